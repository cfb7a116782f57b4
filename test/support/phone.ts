import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { expect } from 'vitest';
import {
	NetworkMonitor,
	SyncManager,
	type SyncManagerOptions,
	type UserChangedNotice,
} from '../../src/index.ts';
import { type Supabase, touchTrigger, webSocketTransport } from './supabase/index.ts';
import { createSwitchableNetwork, type SwitchableNetwork } from './switchable-network.ts';

/** `notes` are their owner's; `pages` are anybody's. */
export const PHONE_TABLES = `
	create table notes (
		id uuid primary key, user_id uuid not null default auth.uid(), title text,
		updated_at timestamptz not null default now()
	);
	${touchTrigger('notes')}
	alter table notes enable row level security;
	create policy own on notes for all to authenticated using (user_id = auth.uid()) with check (user_id = auth.uid());
	create table pages (id uuid primary key, title text, updated_at timestamptz not null default now());
	${touchTrigger('pages')}
`;

/** One device: its disk, its network, the auth client's storage, and the client and manager running on them. */
export interface Phone {
	readonly disk: IDBFactory;
	readonly network: SwitchableNetwork;
	readonly storage: Map<string, string>;
	readonly told: UserChangedNotice[];
	client: SupabaseClient;
	sync: SyncManager;
	/** Closes the app and opens it again: a new client, a new manager, the same disk and storage. */
	restart(): Promise<void>;
	/** Makes the stored session one that ended ten seconds ago. */
	expire(): void;
	close(): Promise<void>;
}

export interface PhoneOptions extends SyncManagerOptions {
	/** Around the device's fetch. */
	readonly wrap?: (inner: typeof fetch) => typeof fetch;
}

/** A phone with the tables `notes` and `pages` registered, its auth client's session on a storage of its own. */
export async function createPhone(
	supabase: Pick<Supabase, 'url' | 'anonKey'>,
	{ wrap = (inner) => inner, ...options }: PhoneOptions = {},
): Promise<Phone> {
	const network = createSwitchableNetwork();
	const storage = new Map<string, string>();
	const disk = new IDBFactory();
	const told: UserChangedNotice[] = [];
	const start = () => {
		const client = createClient(supabase.url, supabase.anonKey, {
			global: { fetch: wrap(network.fetch) },
			auth: {
				autoRefreshToken: false,
				detectSessionInUrl: false,
				storage: {
					getItem: (key) => storage.get(key) ?? null,
					setItem: (key, value) => void storage.set(key, value),
					removeItem: (key) => void storage.delete(key),
				},
			},
			realtime: { transport: webSocketTransport },
		});
		const sync = new SyncManager(client, {
			indexedDB: disk,
			IDBKeyRange,
			databaseName: 'app',
			networkMonitor: new NetworkMonitor({ environment: network.environment }),
			reconcileIntervalMs: 0,
			backoff: { baseMs: 50, capMs: 1_000 },
			// A poke is a pull more: only where a test is about them.
			realtime: false,
			...options,
		});
		sync.registerTable({ table: 'notes' });
		sync.registerTable({ table: 'pages' });
		sync.on('userChanged', (notice) => told.push(notice));
		return { client, sync };
	};
	const one: Phone = {
		disk,
		network,
		storage,
		told,
		...start(),
		async restart() {
			await one.sync.close();
			Object.assign(one, start());
			await one.sync.ready();
		},
		expire() {
			for (const [key, value] of storage) {
				const session = JSON.parse(value) as { expires_at?: number };
				if (session.expires_at === undefined) continue;
				const expires_at = Math.floor(Date.now() / 1000) - 10;
				storage.set(key, JSON.stringify({ ...session, expires_at }));
			}
		},
		close: () => one.sync.close(),
	};
	await one.sync.ready();
	return one;
}

const password = 'correct horse';
let people = 0;

/** Signs a new person up on the device. @returns their id */
export async function signUp({ client, sync }: Phone, name: string): Promise<{ id: string; email: string }> {
	const email = `${name}${++people}@example.com`;
	const { data, error } = await client.auth.signUp({ email, password });
	if (error || !data.user) throw error ?? new Error('no user');
	await expect.poll(() => sync.getState().user).toBe(data.user.id);
	await sync.ready();
	return { id: data.user.id, email };
}

export async function signIn(
	{ client, sync }: Phone,
	{ id, email }: { id: string; email: string },
): Promise<void> {
	await client.auth.signInWithPassword({ email, password });
	await expect.poll(() => sync.getState().user).toBe(id);
	await sync.ready();
}

/** Everything that a database holds, as text. */
export async function dump(disk: IDBFactory, name: string): Promise<string> {
	const database = await new Promise<IDBDatabase>((resolve, reject) => {
		const request = disk.open(name);
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
	const stores = [...database.objectStoreNames];
	const all = await Promise.all(
		stores.map(
			(store) =>
				new Promise<unknown>((resolve) => {
					const request = database.transaction(store).objectStore(store).getAll();
					request.onsuccess = () => resolve(request.result);
				}),
		),
	);
	database.close();
	return JSON.stringify(all);
}

/** Writes a note on the phone. */
export const note = (one: Phone, title: string) => one.sync.table('notes').create({ title });

/** Titles of the notes that the phone shows, sorted. */
export async function titles(one: Phone): Promise<unknown[]> {
	return (await one.sync.table('notes').toArray()).map(({ title }) => title).sort();
}

/** What reached the data plane, without the network monitor's own question, which carries no data and nobody's token. */
export function restRequests({ requests }: Pick<Supabase, 'requests'>) {
	return requests.filter(({ path, search }) => path.startsWith('/rest/v1/') && search !== '?limit=0');
}

export function notesAt(supabase: Pick<Supabase, 'sql'>) {
	return supabase.sql<{ title: string; user_id: string }>('select title, user_id from notes order by title');
}
