import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createOfflineManager } from '../support/offline-manager.ts';
import { type StorageFaults, startStorageFaults } from '../support/storage-faults.ts';

let faults: StorageFaults;
const open: { close(): unknown }[] = [];

beforeEach(() => {
	faults = startStorageFaults();
});

afterEach(() => {
	faults.stop();
	for (const one of open.splice(0)) one.close();
});

async function manager() {
	const sync = createOfflineManager();
	open.push(sync);
	sync.registerTable({ table: 'notes' });
	await sync.ready();
	return sync;
}

const cycle: { tags: unknown[] } = { tags: [] };
cycle.tags.push(cycle);
const revoked = Proxy.revocable<object>({}, {});
revoked.revoke();
const throwing = {
	get late(): never {
		throw new Error('canary');
	},
};

const BAD: readonly [what: string, data: unknown, path: string][] = [
	['a function', { title: () => 'x' }, 'data.title'],
	['a method deep inside', { meta: { list: [{ act() {} }] } }, 'data.meta.list[0].act'],
	['a bigint', { n: 10n }, 'data.n'],
	['NaN', { n: Number.NaN }, 'data.n'],
	['Infinity', { n: [1, Number.POSITIVE_INFINITY] }, 'data.n[1]'],
	['a cycle', cycle, 'data.tags[0]'],
	['a Map', { meta: new Map() }, 'data.meta'],
	['a class instance', { at: new URL('https://example.com') }, 'data.at'],
	['undefined in a list', { tags: [undefined] }, 'data.tags[0]'],
	['an invalid Date', { at: new Date('never') }, 'data.at'],
	['a symbol', { kind: Symbol('x') }, 'data.kind'],
	['a revoked proxy', { row: revoked.proxy }, 'data.row'],
	['a revoked proxy as data', revoked.proxy, 'data'],
	['a getter that throws', { row: throwing }, 'data.row'],
];

describe('data that cannot be stored', () => {
	it.each(BAD)('[F50] %s: refused by its path, before anything is written', async (_what, data, path) => {
		const sync = await manager();
		const before = faults.writing.length;
		const calls = await Promise.allSettled([
			sync.queueAction('notes', 'create', data),
			sync.table('notes').update('a', data as never),
			sync.queueActions([
				{ table: 'notes', action: 'create', data: { title: 'fine' } },
				{ table: 'notes', action: 'create', data },
			]),
		]);
		for (const call of calls) {
			expect(call).toMatchObject({
				status: 'rejected',
				reason: { name: 'PixSyncError', code: 'bad-data', fault: 'input', table: 'notes' },
			});
			const { message } = (call as PromiseRejectedResult).reason as Error;
			expect(message.startsWith(`${path} is `), message).toBe(true);
			expect(message).not.toContain('canary');
		}
		expect(faults.writing.length).toBe(before);
		expect(await sync.getPendingCount()).toBe(0);
		expect(await sync.table('notes').toArray()).toEqual([]);
	});

	it('[F50] keys that would change a prototype stay keys, in the row and in the queue', async () => {
		const sync = await manager();
		const data: unknown = JSON.parse(
			'{"title":"x","__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}',
		);
		const { id } = await sync.queueAction('notes', 'create', data);
		const row = await sync.table<Record<string, unknown>>('notes').get(id);
		expect(row && Object.hasOwn(row, 'constructor')).toBe(true);
		expect(row?.admin).toBeUndefined();
		expect(({} as Record<string, unknown>).admin).toBeUndefined();
		const { mutations } = await sync.exportUnsynced();
		expect(JSON.parse(JSON.stringify(mutations[0]?.data))).toMatchObject({
			constructor: { prototype: { admin: true } },
		});
		expect(mutations[0]?.data?.admin).toBeUndefined();
	});

	it('[F50] reactive proxies, dates and undefined are taken; later changes do not reach the queue', async () => {
		const sync = await manager();
		const reactive = new Proxy(
			{ title: 'one', at: new Date(0), gone: undefined, tags: new Proxy(['a'], {}) },
			{},
		);
		const writing = sync.queueAction('notes', 'create', reactive);
		reactive.title = 'changed too late';
		reactive.tags.push('b');
		const { id } = await writing;
		expect(await sync.table('notes').get(id)).toEqual({
			id,
			title: 'one',
			at: '1970-01-01T00:00:00.000Z',
			tags: ['a'],
		});
	});
});
