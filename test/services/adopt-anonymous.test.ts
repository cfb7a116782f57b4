import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';
import { afterEach, describe, expect, it } from 'vitest';
import type { Mutation } from '../../src/core/mutation.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import { type ActionInput, toCheckedAction } from '../../src/services/action.ts';
import { type Anonymous, createAnonymous } from '../../src/services/adopt-anonymous.ts';
import type { LockManagerLike } from '../../src/services/leadership.ts';
import type { Remote } from '../../src/services/remote.ts';
import type { AttemptRecord, BaseRecord } from '../../src/services/stores.ts';
import { openWorkspace, takeLeadership, type Workspace } from '../../src/services/workspace.ts';
import { createKillSwitch } from '../support/kill-switch.ts';
import { specOf } from '../support/mutations.ts';

const notes = specOf({ table: 'notes' });
const tags = specOf({ table: 'tags', dependsOn: ['notes'] });
const SPECS = [notes, tags];
const OLD = '2026-01-01T00:00:00+00:00';
const NEW = '2026-02-01T00:00:00+00:00';
const open: Workspace[] = [];
let ids = 0;

const createId = () => `00000000-0000-7000-8000-${String(++ids).padStart(12, '0')}`;

afterEach(() => {
	for (const workspace of open.splice(0)) workspace.store.close();
});

async function workspaceOf(userId: string | null, disk: IDBFactory, now = 1_000): Promise<Workspace> {
	const workspace = await openWorkspace({
		databaseName: 'app',
		environment: { indexedDB: disk, IDBKeyRange },
		userId,
		specs: SPECS,
		remote: {} as Remote,
		now: () => now,
		clockOffset: () => 0,
		createId,
	});
	open.push(workspace);
	return workspace;
}

function anonymousOn(disk: IDBFactory): Anonymous {
	return createAnonymous({
		databaseName: 'app',
		environment: { indexedDB: disk, IDBKeyRange },
		locks: null,
		createId,
	});
}

const queue = (workspace: Workspace, ...actions: readonly ActionInput[]) =>
	workspace.mutate(actions.map((action) => toCheckedAction(action.table === 'notes' ? notes : tags, action)));

interface Content {
	readonly rows: readonly Row[];
	readonly outbox: readonly Mutation[];
	readonly bases: readonly BaseRecord[];
	readonly aliases: readonly [string, RowId][];
	readonly attempts: readonly AttemptRecord[];
	readonly meta: readonly string[];
}

function contentOf({ store }: Workspace): Promise<Content> {
	return store.transact('r', ['notes', 'tags'], async (stores) => ({
		rows: [...(await stores.rows('notes').toArray()), ...(await stores.rows('tags').toArray())],
		outbox: await stores.outbox.toArray(),
		bases: await stores.bases.toArray(),
		aliases: (await stores.aliases.toArray()).map(({ localId, id }) => [localId, id]),
		attempts: await stores.attempts.toArray(),
		meta: (await stores.meta.toArray()).map(({ key }) => key),
	}));
}

/** Signed out: a note with a tag, both edited, under names of the app's own. */
async function writeSignedOut(disk: IDBFactory): Promise<{ readonly mutationIds: string[]; close(): void }> {
	const anon = await workspaceOf(null, disk);
	const queued = [
		...(await queue(anon, { table: 'notes', action: 'create', data: { title: 'a' }, localId: 'draft' })),
		...(await queue(anon, { table: 'tags', action: 'create', data: { note: 'draft' }, localId: 'tag' })),
		...(await queue(anon, { table: 'notes', action: 'update', data: { title: 'b' }, localId: 'draft' })),
	];
	anon.store.close();
	return { mutationIds: queued.map(({ mutationId }) => mutationId), close: () => anon.store.close() };
}

describe('adopting what was written signed out', () => {
	it('[R23] rows, queue and localIds become the user’s, in their order, and nothing stays behind', async () => {
		const disk = new IDBFactory();
		const { mutationIds } = await writeSignedOut(disk);
		const alice = await workspaceOf('alice', disk);
		await queue(alice, { table: 'notes', action: 'create', data: { title: 'own' } });
		const anonymous = anonymousOn(disk);
		expect(await anonymous.count()).toBe(3);
		expect(await anonymous.adopt(alice, SPECS)).toEqual({ adopted: 3, left: 0, tables: ['notes', 'tags'] });
		const { rows, outbox, aliases, meta } = await contentOf(alice);
		expect(rows.map(({ title, note }) => title ?? note).sort()).toEqual(['b', 'draft', 'own']);
		expect(outbox.slice(1).map(({ mutationId }) => mutationId)).toEqual(mutationIds);
		expect(outbox.map(({ userId, status }) => [userId, status])).toEqual(Array(4).fill(['alice', 'pending']));
		expect(aliases.map(([name]) => name)).toEqual(['draft', 'tag']);
		expect(meta).not.toContain('adopted');
		expect(await anonymous.count()).toBe(0);
		expect(await contentOf(await workspaceOf(null, disk))).toMatchObject({
			rows: [],
			outbox: [],
			bases: [],
			aliases: [],
			meta: ['epoch', 'queueRevision'],
		});
	});

	it('nothing was ever written signed out: nothing is adopted, and no database is made', async () => {
		const disk = new IDBFactory();
		const anonymous = anonymousOn(disk);
		expect(await anonymous.adopt(await workspaceOf('alice', disk), SPECS)).toMatchObject({ adopted: 0 });
		expect(await anonymous.count()).toBe(0);
		expect((await disk.databases()).map(({ name }) => name)).toEqual(['app:alice']);
	});

	it('[F3] another user’s changes are never touched, wherever they lie', async () => {
		const disk = new IDBFactory();
		const anon = await workspaceOf(null, disk);
		await queue(anon, { table: 'notes', action: 'create', data: { id: 'x', title: 'of bob' } });
		await anon.store.transact('rw', [], ({ outbox }) => outbox.toCollection().modify({ userId: 'bob' }));
		const before = await contentOf(anon);
		const alice = await workspaceOf('alice', disk);
		expect(await anonymousOn(disk).count()).toBe(0);
		expect(await anonymousOn(disk).adopt(alice, SPECS)).toMatchObject({ adopted: 0 });
		expect((await contentOf(alice)).outbox).toEqual([]);
		expect(await contentOf(anon)).toEqual({ ...before, meta: ['epoch'] });
	});

	it('[R9] a run of the signed-out replica that is still under way can write nothing more', async () => {
		const disk = new IDBFactory();
		const anon = await workspaceOf(null, disk);
		await queue(anon, { table: 'notes', action: 'create', data: { id: 'x' } });
		anon.epoch = await takeLeadership(anon);
		await anonymousOn(disk).adopt(await workspaceOf('alice', disk), SPECS);
		const held = await anon.store.transact('r', [], ({ meta }) => meta.get('epoch'));
		expect(held?.value).not.toBe(anon.epoch);
	});

	it('[R7] a request that may have arrived is repeated to the letter, for the mutations’ new places', async () => {
		const disk = new IDBFactory();
		const anon = await workspaceOf(null, disk);
		await queue(anon, { table: 'notes', action: 'create', data: { id: 'x', title: 'sent' } });
		const sent = {
			kind: 'create',
			id: 'x',
			body: { id: 'x', title: 'sent' },
			base: null,
			stamp: OLD,
		} as const;
		await anon.store.transact('rw', [], ({ attempts }) =>
			attempts.add({ table: 'notes', mutations: [{ ...sent, seqs: [1] }], count: 2, nextAttemptAt: 9_999 }),
		);
		const alice = await workspaceOf('alice', disk);
		await queue(alice, { table: 'notes', action: 'create', data: { id: 'own' } });
		await anonymousOn(disk).adopt(alice, SPECS);
		const { attempts, outbox } = await contentOf(alice);
		expect(attempts).toEqual([
			{ id: 1, table: 'notes', mutations: [{ ...sent, seqs: [2] }], count: 2, nextAttemptAt: 0 },
		]);
		expect(outbox.at(-1)?.seq).toBe(2);
		expect((await contentOf(anon)).attempts).toEqual([]);
	});

	it('[R8] what was refused to nobody is tried for its owner; what was refused for its data stays a dead letter', async () => {
		const disk = new IDBFactory();
		const anon = await workspaceOf(null, disk);
		await queue(
			anon,
			{ table: 'notes', action: 'create', data: { id: 'denied', title: 'mine' } },
			{ table: 'notes', action: 'create', data: { id: 'wrong' } },
		);
		await anon.store.transact('rw', ['notes'], async (stores) => {
			for (const { seq, mutationId, rowId } of await stores.outbox.toArray()) {
				const code = rowId === 'denied' ? '42501' : '23502';
				await stores.outbox.update(seq, {
					status: 'rejected',
					letter: mutationId,
					error: { code, message: 'no', at: 0 },
				});
			}
			await stores.rows('notes').clear();
		});
		const alice = await workspaceOf('alice', disk);
		expect(await anonymousOn(disk).adopt(alice, SPECS)).toMatchObject({ adopted: 2, left: 0 });
		const { outbox, rows } = await contentOf(alice);
		expect(outbox.map(({ rowId, status, error }) => [rowId, status, error?.code])).toEqual([
			['denied', 'pending', undefined],
			['wrong', 'rejected', '23502'],
		]);
		expect(rows).toEqual([{ id: 'denied', title: 'mine' }]);
	});
});

describe('adopting rows that the user’s replica has, too', () => {
	async function clash(own: Row | null, signedOut: (anon: Workspace) => Promise<unknown>, now = 1_000) {
		const disk = new IDBFactory();
		const anon = await workspaceOf(null, disk, now);
		await signedOut(anon);
		const alice = await workspaceOf('alice', disk);
		if (own) await alice.store.transact('rw', ['notes'], (stores) => stores.rows('notes').put(own));
		const result = await anonymousOn(disk).adopt(alice, SPECS);
		return { anon, alice, result, ...(await contentOf(alice)), disk };
	}
	const seed = (anon: Workspace, row: Row) =>
		anon.store.transact('rw', ['notes'], async (stores) => {
			await stores.rows('notes').put(row);
			await stores.checkpoints.put({ table: 'notes', transport: 'rest' } as never);
		});
	const held = (title: string, updated_at: string): Row => ({ id: 'x', title, updated_at });
	const edit = { table: 'notes', action: 'update', data: { body: 'mine' }, localId: 'x' } as const;

	it('[R5] [S7] a new row under an id of the user’s is a conflict for the strategy to decide', async () => {
		const { bases, rows } = await clash(held('server', NEW), (anon) =>
			queue(anon, { table: 'notes', action: 'create', data: { id: 'x', title: 'mine' } }),
		);
		expect(bases).toEqual([
			{ table: 'notes', id: 'x', base: { kind: 'absent' }, remote: held('server', NEW), seen: 1 },
		]);
		expect(rows).toEqual([{ id: 'x', title: 'mine' }]);
	});

	it('[S7] an edit of a row that has moved on in the user’s replica is a conflict', async () => {
		const { bases, rows } = await clash(held('moved', NEW), async (anon) => {
			await seed(anon, held('old', OLD));
			await queue(anon, edit);
		});
		expect(bases).toEqual([
			{
				table: 'notes',
				id: 'x',
				base: { kind: 'held', row: held('old', OLD) },
				remote: held('moved', NEW),
				seen: 1,
			},
		]);
		expect(rows).toEqual([{ ...held('old', OLD), body: 'mine' }]);
	});

	it.each([
		['the same', OLD],
		['older', '2025-01-01T00:00:00+00:00'],
	])('an edit keeps its base where the user’s version is %s', async (_, version) => {
		const { bases, rows } = await clash(held('own', version), async (anon) => {
			await seed(anon, held('old', OLD));
			await queue(anon, edit);
		});
		expect(bases).toEqual([{ table: 'notes', id: 'x', base: { kind: 'held', row: held('old', OLD) } }]);
		expect(rows).toEqual([{ ...held('old', OLD), body: 'mine' }]);
	});

	it('[S15] of a row that the server had, the signed-out replica is downloaded anew', async () => {
		const { anon } = await clash(null, async (before) => {
			await seed(before, held('old', OLD));
			await queue(before, edit);
		});
		const checkpoints = await anon.store.transact('r', [], (stores) => stores.checkpoints.toArray());
		expect(checkpoints).toEqual([]);
		expect((await contentOf(anon)).rows).toEqual([]);
	});

	it.each([
		['stands on it where it is later', Date.parse(NEW), { kind: 'held', row: held('server', OLD) }],
		['is compared at the upload where it is earlier', 1_000, { kind: 'unknown' }],
	])('[R2] an edit of a row that nobody held signed out %s', async (_, now, base) => {
		const { bases } = await clash(held('server', OLD), (anon) => queue(anon, edit), now);
		expect(bases).toEqual([{ table: 'notes', id: 'x', base }]);
	});

	it('[S1] a row with unsent changes on both sides stays where it is; after the sync it can be adopted', async () => {
		const disk = new IDBFactory();
		const anon = await workspaceOf(null, disk);
		await queue(anon, { table: 'notes', action: 'create', data: { id: 'x', title: 'signed out' } });
		await queue(anon, { table: 'notes', action: 'create', data: { id: 'y' } });
		const alice = await workspaceOf('alice', disk);
		await queue(alice, { table: 'notes', action: 'create', data: { id: 'x', title: 'own' } });
		const anonymous = anonymousOn(disk);
		expect(await anonymous.adopt(alice, SPECS)).toMatchObject({ adopted: 1, left: 1 });
		expect((await contentOf(anon)).rows).toEqual([{ id: 'x', title: 'signed out' }]);
		expect((await contentOf(alice)).rows).toContainEqual({ id: 'x', title: 'own' });
		await alice.store.transact('rw', [], ({ outbox }) => outbox.clear());
		expect(await anonymous.adopt(alice, SPECS)).toMatchObject({ adopted: 1, left: 0 });
	});

	it('[R3] a localId that the user’s own row has stays that row’s', async () => {
		const disk = new IDBFactory();
		await writeSignedOut(disk);
		const alice = await workspaceOf('alice', disk);
		const [own] = await queue(alice, { table: 'notes', action: 'create', data: {}, localId: 'draft' });
		expect(await anonymousOn(disk).adopt(alice, SPECS)).toMatchObject({ adopted: 3 });
		const aliases = new Map((await contentOf(alice)).aliases);
		expect(aliases.get('draft')).toBe(own?.id);
		expect(aliases.has('tag')).toBe(true);
	});

	it('a table that is not registered stays until it is', async () => {
		const disk = new IDBFactory();
		await writeSignedOut(disk);
		const alice = await workspaceOf('alice', disk);
		const anonymous = anonymousOn(disk);
		expect(await anonymous.adopt(alice, [notes])).toMatchObject({ adopted: 2, left: 1 });
		expect(await anonymous.adopt(alice, SPECS)).toMatchObject({ adopted: 1, left: 0 });
	});
});

describe('a crash in the middle', () => {
	/** Kills the app that adopts after its `killAt`-th commit. */
	async function killed(killAt: number) {
		const disk = new IDBFactory();
		const { mutationIds } = await writeSignedOut(disk);
		(await workspaceOf('alice', disk)).store.close();
		const app = createKillSwitch(disk, killAt);
		const alice = await workspaceOf('alice', app.disk);
		const outcome = await anonymousOn(app.disk)
			.adopt(alice, SPECS)
			.then(
				() => 'done',
				() => 'died',
			);
		alice.store.close();
		return { disk, mutationIds, outcome, app };
	}
	const idsIn = async (userId: string | null, disk: IDBFactory) => {
		const workspace = await workspaceOf(userId, disk);
		const { outbox } = await contentOf(workspace);
		return outbox.map(({ mutationId }) => mutationId);
	};

	it('the sweep is not empty: four commits, and a death after the last one is none', async () => {
		expect((await killed(Number.POSITIVE_INFINITY)).app.steps).toBe(4);
		expect((await killed(3)).outcome).toBe('died');
		expect((await killed(4)).app.isDead).toBe(true);
	});

	it.each([1, 2, 3, 4])(
		'[S26] [S1] [S2] killed after commit %i, the next start neither loses nor doubles anything',
		async (killAt) => {
			const { disk, mutationIds } = await killed(killAt);
			const anonymous = anonymousOn(disk);
			await anonymous.settle();
			const [own, left] = [await idsIn('alice', disk), await idsIn(null, disk)];
			expect([...own, ...left].sort()).toEqual([...mutationIds].sort());
			expect(own.length * left.length).toBe(0);
			expect(own.length).toBe(killAt >= 2 ? 3 : 0);
			// And again, from the start.
			await anonymous.adopt(await workspaceOf('alice', disk), SPECS);
			expect(await idsIn('alice', disk)).toEqual(mutationIds);
			expect(await idsIn(null, disk)).toEqual([]);
		},
	);

	it.each([1, 2, 3, 4])(
		'[S2] killed after commit %i, what was uploaded meanwhile is not adopted again',
		async (killAt) => {
			const { disk, mutationIds } = await killed(killAt);
			const alice = await workspaceOf('alice', disk);
			// Acknowledged and gone, before anybody has looked at the signed-out replica again.
			const uploaded = (await contentOf(alice)).outbox.map(({ mutationId }) => mutationId);
			await alice.store.transact('rw', [], ({ outbox }) => outbox.clear());
			await anonymousOn(disk).adopt(alice, SPECS);
			const again = (await contentOf(alice)).outbox.map(({ mutationId }) => mutationId);
			expect([...uploaded, ...again].sort()).toEqual([...mutationIds].sort());
		},
	);

	it.each([1, 2, 3, 4])(
		'[S18] killed after commit %i, another user adopts only what has not arrived',
		async (killAt) => {
			const { disk, mutationIds } = await killed(killAt);
			await anonymousOn(disk).adopt(await workspaceOf('bob', disk), SPECS);
			const [alices, bobs] = [await idsIn('alice', disk), await idsIn('bob', disk)];
			expect([...alices, ...bobs].sort()).toEqual([...mutationIds].sort());
			expect(bobs).toEqual(killAt >= 2 ? [] : mutationIds);
		},
	);

	it('[S26] killed twice: during the adoption, and during what mends it', async () => {
		for (const first of [1, 2, 3, 4]) {
			for (const second of [1, 2, 3]) {
				const { disk, mutationIds } = await killed(first);
				const app = createKillSwitch(disk, second);
				await anonymousOn(app.disk)
					.settle()
					.catch(() => undefined);
				await anonymousOn(disk).settle();
				const all = [...(await idsIn('alice', disk)), ...(await idsIn(null, disk))];
				expect(all.sort()).toEqual([...mutationIds].sort());
			}
		}
	});

	it('[S1] what another tab has added to a moved row meanwhile stays, as a change of a row not held', async () => {
		const { disk } = await killed(2);
		const anon = await workspaceOf(null, disk);
		await queue(anon, { table: 'notes', action: 'update', data: { body: 'late' }, localId: 'draft' });
		await anonymousOn(disk).settle();
		const { outbox, bases } = await contentOf(anon);
		expect(outbox.map(({ data }) => data)).toEqual([{ body: 'late' }]);
		expect(bases).toMatchObject([{ base: { kind: 'unknown' } }]);
		expect(await anonymousOn(disk).count()).toBe(1);
	});

	it('[S2] two tabs at once move everything once, however long one of them takes', async () => {
		const disk = new IDBFactory();
		const { mutationIds } = await writeSignedOut(disk);
		const environment = { indexedDB: disk, IDBKeyRange };
		const locks = oneLock();
		const tabs = [0, 1].map(() => createAnonymous({ databaseName: 'app', environment, locks, createId }));
		const [slow, quick] = [await workspaceOf('alice', disk), await workspaceOf('alice', disk)];
		// Before the slow one writes into the user's replica, the quick one is done and has uploaded; or it waits.
		const uploaded: string[] = [];
		let quickEnd: Promise<number> = Promise.resolve(0);
		const transact = slow.store.transact.bind(slow.store);
		let isFirst = true;
		slow.store.transact = async (...given) => {
			if (isFirst) {
				isFirst = false;
				quickEnd = (async () => {
					const result = await tabs[1]?.adopt(quick, SPECS);
					uploaded.push(...(await contentOf(quick)).outbox.map(({ mutationId }) => mutationId));
					await quick.store.transact('rw', [], ({ outbox }) => outbox.clear());
					return result?.adopted ?? -1;
				})();
				await Promise.race([quickEnd, new Promise((resolve) => setTimeout(resolve, 150))]);
			}
			return transact(...given);
		};
		const slowEnd = await tabs[0]?.adopt(slow, SPECS);
		expect([slowEnd?.adopted, await quickEnd]).toEqual([3, 0]);
		expect(uploaded).toEqual(mutationIds);
	});
});

/** Web Locks of one name. */
function oneLock(): LockManagerLike {
	let last: Promise<unknown> = Promise.resolve();
	return {
		request(_name, _options, callback) {
			const mine = last.then(() => callback({}));
			last = mine.catch(() => undefined);
			return mine;
		},
	};
}
