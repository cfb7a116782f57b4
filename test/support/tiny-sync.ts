import { createActor, type InspectionEvent, waitFor } from 'xstate';
import type { SyncResult } from '../../src/core/types.ts';
import {
	createSyncMachine,
	type SyncEvent,
	type SyncInput,
	type SyncTag,
	type TableEvent,
} from '../../src/machines/index.ts';
import { createTinyApp } from './tiny-app.ts';
import { createTinyRemote } from './tiny-remote.ts';

export interface TinySyncOptions {
	readonly tables?: readonly string[];
	readonly input?: SyncInput;
	readonly inspect?: (event: InspectionEvent) => void;
	/** What the app does with the machine before it runs it. @default nothing */
	readonly adapt?: (machine: ReturnType<typeof createSyncMachine>) => ReturnType<typeof createSyncMachine>;
}

export const TAGS: readonly SyncTag[] = ['offline', 'syncing', 'settled', 'error'];

/** Longer than any test: what backs off stays there. */
const LONG = { baseMs: 600_000, capMs: 600_000 };

/** The root machine as an app runs it, on the services of {@link createTinyApp}. */
export function startTinySync(options: TinySyncOptions = {}) {
	const { tables = ['notes'], input, inspect, adapt = (machine) => machine } = options;
	const remote = createTinyRemote();
	const app = createTinyApp(remote);
	const told: string[] = [];
	const completed: { token: number | null; result: SyncResult }[] = [];
	const actor = createActor(adapt(createSyncMachine(app.services)), {
		input: { backoff: LONG, random: () => 0.5, ...input },
		logger: (text: string) => told.push(text),
		...(inspect ? { inspect } : {}),
	});
	actor.on('sync.completed', ({ waiters }) => completed.push(...waiters));
	actor.start();
	for (const table of tables) actor.send({ type: 'table.register', spec: { table, dependsOn: [] } });

	let release: () => void = () => undefined;
	const tiny = {
		remote,
		app,
		actor,
		/** What the actors' logger was told. */
		told,
		/** The answers to those who asked for a sync. */
		completed,
		send: (event: SyncEvent) => actor.send(event),
		hydrate: () => actor.send({ type: 'storage.hydrated', dirty: [] }),
		ref(table = 'notes') {
			const entry = actor.getSnapshot().context.tables[table];
			if (!entry) throw new Error(`no table ${table}`);
			return entry.ref;
		},
		tell: (event: TableEvent, table = 'notes') => tiny.ref(table).send(event),
		/** Requests wait from here on. */
		hold() {
			release = remote.hold();
		},
		/** The waiting request goes on, the next one waits. */
		pass() {
			const go = release;
			release = remote.hold();
			go();
		},
		letGo: () => release(),
		/** Waits until a table is in a state. */
		reach: (state: string, table = 'notes') =>
			waitFor(tiny.ref(table), ({ value }) => value === state, { timeout: 2_000 }),
		settled: () => waitFor(actor, (snapshot) => snapshot.hasTag('settled'), { timeout: 2_000 }),
		/** Hydrates, edits a row that was written elsewhere, and lets requests pass until the last of these states. */
		async walk(...states: readonly string[]) {
			remote.write('notes', { id: 'a', title: 'theirs' }, null);
			app.edit('notes', 'a', 'ours');
			tiny.hydrate();
			tiny.hold();
			actor.send({ type: 'sync.request', token: 1 });
			for (const [at, state] of states.entries()) {
				if (at > 0) tiny.pass();
				await tiny.reach(state);
			}
		},
		/** A sync that the server has refused, while the session is being refreshed. */
		async refresh() {
			tiny.hydrate();
			remote.link = 'signed-out';
			tiny.hold();
			actor.send({ type: 'sync.request', token: 1 });
			await tiny.reach('downloading');
			tiny.pass();
			await tiny.reach('offline');
		},
		/** A sync that met this link. */
		async fail(link: typeof remote.link) {
			tiny.hydrate();
			remote.link = link;
			await tiny.sync(1);
		},
		/** Asks for a sync and waits for its answer. */
		async sync(token: number, names?: readonly string[]): Promise<SyncResult> {
			actor.send({ type: 'sync.request', token, ...(names ? { tables: names } : {}) });
			await tiny.settled();
			const answer = completed.find((one) => one.token === token);
			if (!answer) throw new Error(`nobody answered ${token}`);
			return answer.result;
		},
	};
	return tiny;
}

export type TinySync = ReturnType<typeof startTinySync>;

interface Tagged {
	getSnapshot(): { hasTag(tag: SyncTag): boolean };
}

/** The tags of a root or a table as they are now. */
export function tagsOf(actor: Tagged): readonly SyncTag[] {
	const snapshot = actor.getSnapshot();
	return TAGS.filter((tag) => snapshot.hasTag(tag));
}
