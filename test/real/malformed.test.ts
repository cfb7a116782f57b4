import { createClient } from '@supabase/supabase-js';
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetworkMonitor, SyncManager } from '../../src/index.ts';
import { createMangler, MANGLINGS, type Mangler, type Mangling } from '../support/mangled-replies.ts';
import { fuzzSeed } from '../support/odd-text.ts';
import { createRandomSource, type RandomSource } from '../support/random-source.ts';
import { differences, liveRows, type RowsById, readServer } from '../support/replica-compare.ts';
import { type Supabase, startSupabase, touchTrigger, webSocketTransport } from '../support/supabase/index.ts';
import { createSwitchableNetwork } from '../support/switchable-network.ts';

/** Rounds over all manglings and requests: with them, above 1,000 cases. */
const ROUNDS = 1.65;

/** A replica is used for so many cases: each begins with what the former left. */
const CASES_A_DEVICE = 20;

interface App {
	readonly sync: SyncManager;
	readonly mangler: Mangler;
}

/** What a case leaves to be done exactly once: `op` on row `id`, with this title where it has one. */
interface Wish {
	readonly table: string;
	readonly id: string;
	readonly op: 'INSERT' | 'UPDATE' | 'DELETE';
	readonly title: string | null;
}

interface Scene {
	readonly match: (method: string, url: URL) => boolean;
	/** What the app and others do before the sync whose answers are spoilt. */
	readonly prepare: (app: App, titles: () => string) => Promise<readonly Wish[]>;
	/** Besides `sync()`, what makes the request. */
	readonly run?: (app: App) => Promise<unknown>;
	/**
	 * Well-formed answers that are not true. No client can tell them from what row level security and other people
	 * do every day, so that they are left out here.
	 */
	readonly lies?: readonly string[];
	/** Untrue answers that a comparison of ids makes good. */
	readonly mended?: readonly string[];
}

let supabase: Supabase;
let random: RandomSource;

beforeAll(async () => {
	random = createRandomSource(fuzzSeed('malformed'));
	const audited = (table: string) => `
		${touchTrigger(table)}
		create trigger audit after insert or update or delete on ${table} for each row execute function audit();
	`;
	supabase = await startSupabase({
		sql: `
			create table audit (seq bigserial, tab text, op text, id uuid, title text, deleted boolean);
			create function audit() returns trigger language plpgsql security definer as $$
			begin
				insert into audit (tab, op, id, title, deleted) values (
					tg_table_name, tg_op, coalesce(new.id, old.id), new.title, (to_jsonb(new) ->> 'deleted_at') is not null
				);
				return null;
			end $$;
			create table notes (id uuid primary key, title text, n int, updated_at timestamptz not null default now());
			${audited('notes')}
			create table soft (id uuid primary key, title text, deleted_at timestamptz, updated_at timestamptz not null default now());
			${audited('soft')}
		`,
	});
});

afterAll(() => supabase?.stop());

function open(): App {
	const mangler = createMangler();
	const client = createClient(supabase.url, supabase.anonKey, {
		global: { fetch: mangler.fetch },
		auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
		realtime: { transport: webSocketTransport },
	});
	const sync = new SyncManager(client, {
		indexedDB: new IDBFactory(),
		IDBKeyRange,
		networkMonitor: new NetworkMonitor({ environment: createSwitchableNetwork().environment }),
		reconcileIntervalMs: 0,
		// Retries of its own would come between a case and the next.
		backoff: { baseMs: 600_000, capMs: 600_000 },
	});
	sync.registerTable({ table: 'notes' });
	sync.registerTable({ table: 'soft', deletedField: 'deleted_at' });
	return { sync, mangler };
}

const isNotes = (url: URL) => url.pathname === '/rest/v1/notes';

/** Rows that somebody else made, and that the replica holds. */
async function givenRows({ sync }: App, table: string, count: number, isPulled = true): Promise<string[]> {
	const ids = Array.from({ length: count }, () => random.uuid());
	await supabase.sql(
		`insert into ${table} (id, title) select id, 'given' from jsonb_array_elements_text($1::jsonb) t(x), lateral (select x::uuid id) u`,
		[JSON.stringify(ids)],
	);
	if (isPulled) expect(await sync.sync([table])).toMatchObject({ success: true, errors: [] });
	return ids;
}

const SCENES = {
	create: {
		match: (method, url) => method === 'POST' && isNotes(url),
		async prepare({ sync }, title) {
			const rows = Array.from({ length: 3 }, () => ({ id: random.uuid(), title: title() }));
			await sync.queueActions(rows.map((data) => ({ table: 'notes', action: 'create', data })));
			return rows.map((row) => ({ table: 'notes', op: 'INSERT', ...row }));
		},
	},
	update: {
		match: (method, url) => method === 'PATCH' && isNotes(url),
		async prepare(app, title) {
			const ids = await givenRows(app, 'notes', 2);
			const wishes = ids.map((id) => ({ table: 'notes', op: 'UPDATE' as const, id, title: title() }));
			await app.sync.queueActions(
				wishes.map(({ id, title }) => ({ table: 'notes', action: 'update', data: { title }, localId: id })),
			);
			return wishes;
		},
	},
	delete: {
		match: (method, url) => method === 'DELETE' && isNotes(url),
		async prepare(app) {
			const ids = await givenRows(app, 'notes', 3);
			await app.sync.queueActions(ids.map((localId) => ({ table: 'notes', action: 'delete', localId })));
			return ids.map((id) => ({ table: 'notes', op: 'DELETE', id, title: null }));
		},
	},
	'soft delete': {
		match: (method, url) => method === 'PATCH' && url.pathname === '/rest/v1/soft',
		async prepare(app) {
			const ids = await givenRows(app, 'soft', 2);
			await app.sync.queueActions(ids.map((localId) => ({ table: 'soft', action: 'delete', localId })));
			return ids.map((id) => ({ table: 'soft', op: 'DELETE', id, title: null }));
		},
	},
	pull: {
		match: (method, url) => method === 'GET' && isNotes(url) && isPull(url),
		async prepare(app, title) {
			const [mine = '', gone = ''] = await givenRows(app, 'notes', 3);
			await givenRows(app, 'notes', 3, false);
			const wishes: Wish[] = [
				{ table: 'notes', op: 'UPDATE', id: mine, title: title() },
				{ table: 'notes', op: 'DELETE', id: gone, title: null },
			];
			await app.sync.queueAction('notes', 'update', { title: wishes[0]?.title }, mine);
			await app.sync.queueAction('notes', 'delete', null, gone);
			return wishes;
		},
		mended: ['rows of another key', 'one row of another key'],
	},
	fetch: {
		match: (method, url) =>
			method === 'GET' && isNotes(url) && url.searchParams.get('id')?.startsWith('in.') === true,
		async prepare(app, title) {
			// Not held here: to be changed they have to be fetched first (R2).
			const [changed = '', gone = ''] = await givenRows(app, 'notes', 2, false);
			const wishes: Wish[] = [
				{ table: 'notes', op: 'UPDATE', id: changed, title: title() },
				{ table: 'notes', op: 'DELETE', id: gone, title: null },
			];
			// Told apart from an edit that was made before the row was: later, by the server's clock too.
			await new Promise((resolve) => setTimeout(resolve, 5));
			await app.sync.queueAction('notes', 'update', { title: wishes[0]?.title }, changed);
			await app.sync.queueAction('notes', 'delete', null, gone);
			return wishes;
		},
		// "There is no such row" is the truth that an update is refused by, and a delete done by.
		lies: ['a row less', 'no rows', 'the version of long ago'],
	},
	listKeys: {
		match: (method, url) => method === 'GET' && isNotes(url) && url.searchParams.get('order') === 'id.asc',
		async prepare(app, title) {
			const [mine = '', gone = ''] = await givenRows(app, 'notes', 6);
			await supabase.sql('delete from notes where id = $1', [gone]);
			const wish: Wish = { table: 'notes', op: 'UPDATE', id: mine, title: title() };
			await app.sync.queueAction('notes', 'update', { title: wish.title }, mine);
			return [wish];
		},
		run: ({ sync }) => sync.reconcile('notes').catch((error: unknown) => error),
		mended: MANGLINGS.map(({ name }) => name),
	},
} satisfies Record<string, Scene>;

function isPull(url: URL): boolean {
	return url.searchParams.get('order')?.startsWith('updated_at.asc') === true;
}

async function readReplica({ sync }: App, table: string): Promise<RowsById> {
	const rows = await sync.table<Record<string, unknown>>(table).toArray();
	return new Map(rows.map((row) => [String(row.id), row]));
}

/** How often the server did what a wish asks for. */
async function timesApplied({ table, op, id, title }: Wish): Promise<number> {
	const [row] = await supabase.sql<{ n: number }>(
		`select count(*)::int n from audit where tab = $1 and id = $3 and (
			case $2 when 'DELETE' then op = 'DELETE' or deleted else op = $2 and title is not distinct from $4 end)`,
		[table, op, id, title],
	);
	return row?.n ?? 0;
}

/** Everything that a case finds wrong, in words. */
async function runCase(
	app: App,
	scene: Scene,
	mangling: Mangling,
	label: string,
): Promise<readonly string[]> {
	const problems: string[] = [];
	let titles = 0;
	const wishes = await scene.prepare(app, () => `${label} ${++titles}`);
	const times = random.pick([1, 2, Number.POSITIVE_INFINITY]);
	const hits = app.mangler.arm(scene.match, mangling, times, random);
	await (scene.run?.(app) ?? app.sync.sync());
	if (hits() === 0) problems.push('no request was spoilt');
	app.mangler.disarm();

	for (const wish of wishes) {
		const state = await app.sync.table(wish.table).state(wish.id);
		const applied = await timesApplied(wish);
		if (applied > 1) problems.push(`${wish.op} applied ${applied} times`);
		// Neither waiting nor kept aside: then it must have been done.
		const isSettled = state.status !== 'pending' && state.status !== 'rejected';
		if (isSettled && applied === 0) problems.push(`${wish.op} acknowledged, and never done`);
	}

	let result = await app.sync.sync();
	// Out of doubt whether there is a server at all, it may first have to look.
	for (let tries = 0; !result.success && tries < 5; tries++) {
		await new Promise((resolve) => setTimeout(resolve, 20));
		result = await app.sync.sync();
	}
	if (!result.success) problems.push(`then: ${result.errors.join('; ')}`);
	if (scene.mended?.includes(mangling.name)) await app.sync.reconcile('notes');
	for (const wish of wishes) {
		const applied = await timesApplied(wish);
		if (applied !== 1) problems.push(`in the end ${wish.op} was applied ${applied} times`);
	}
	const { pending, rejected } = app.sync.getState().tables.notes ?? {};
	if ((await app.sync.getPendingCount()) > 0) problems.push(`${pending} still pending`);
	if (rejected) problems.push(`${rejected} rejected`);
	for (const table of ['notes', 'soft']) {
		const server = liveRows(await readServer(supabase, table));
		problems.push(...differences('replica', await readReplica(app, table), 'server', server));
	}
	return problems;
}

describe('answers that are none', () => {
	let cases = 0;

	for (const [kind, scene] of Object.entries(SCENES) as [string, Scene][]) {
		it(`[S1] [S2] [S3] [F23] [F56] spoilt answers to a ${kind} lose nothing, double nothing and acknowledge nothing`, {
			timeout: 240_000,
		}, async () => {
			const broken: string[] = [];
			let app: App | null = null;
			const manglings = MANGLINGS.filter(({ name }) => !scene.lies?.includes(name));
			for (let at = 0; at < manglings.length * ROUNDS; at++) {
				const mangling = manglings[at % manglings.length];
				if (!mangling) break;
				if (at % CASES_A_DEVICE === 0) {
					await app?.sync.close();
					await supabase.sql('truncate notes, soft, audit');
					app = open();
				}
				if (!app) throw new Error('no app');
				cases++;
				const problems = await runCase(app, scene, mangling, `${kind} ${at}`);
				if (problems.length === 0) continue;
				broken.push(`${mangling.name}: ${problems.slice(0, 4).join(' | ')}`);
				// What one case left broken must not be blamed on the next.
				await app.sync.close();
				await supabase.sql('truncate notes, soft, audit');
				app = open();
			}
			await app?.sync.close();
			expect(broken).toEqual([]);
		});
	}

	it('[M2] more than a thousand of them', () => {
		console.log(`malformed: ${cases} cases`);
		expect(cases).toBeGreaterThan(1_000);
	});
});
