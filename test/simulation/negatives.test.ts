import { describe, expect, it } from 'vitest';
import type { Row } from '../../src/core/types.ts';
import { fromStory } from './operation.ts';
import { run } from './run.ts';
import { PACKAGE } from './sim-case.ts';
import { schemaOf } from './sim-schema.ts';
import type { World } from './world.ts';

/** Spoils a world behind the engine's back, and hears what the audit says to it. */
async function spoil(midway: (world: World) => Promise<void>): Promise<readonly string[]> {
	const { violations } = await run({
		...{ seed: 24, build: PACKAGE, devices: { alice: 1 }, schema: schemaOf('latest-wins'), midway },
		program: fromStory('create@0:1/notes sync@0:0 wait@0:5'),
	});
	return violations.map(({ invariant }) => invariant);
}

/** A transaction on the device's disk, as the tab's own. */
async function write(world: World, store: string, work: (records: IDBObjectStore) => void): Promise<void> {
	const [device] = world.devices;
	const tab = device?.tabs[0];
	if (!tab) throw new Error('The world has no tab');
	const request = tab.disk.factory.open('app:user-ann');
	await world.time.drain();
	const transaction = request.result.transaction([store], 'readwrite');
	work(transaction.objectStore(store));
	await world.time.drain();
	request.result.close();
}

const note = (world: World): Row => {
	const [row] = world.server.rows('notes');
	if (!row) throw new Error('The server has no note');
	return row;
};

describe('what no bug was planted for is seen, too', () => {
	it('[S4] a base without a mutation', async () => {
		const seen = await spoil((world) =>
			write(world, 'bases', (bases) => {
				bases.put({ table: 'notes', id: note(world).id, base: { kind: 'held', row: note(world) } });
			}),
		);
		expect(seen).toContain('S4');
	});

	it('[S13] a row that goes back to an earlier version', async () => {
		const seen = await spoil(async (world) => {
			const before = note(world);
			world.server.patch('notes', String(before.id), { title: 'later' });
			await write(world, 'notes', (rows) => void rows.put(note(world)));
			await write(world, 'notes', (rows) => void rows.put(before));
		});
		expect(seen).toEqual(['S13']);
	});

	it('[S19] a replica that goes with what waits in it', async () => {
		const seen = await spoil(async (world) => {
			const tab = world.devices[0]?.tabs[0];
			void tab?.sync.queueAction('notes', 'create', { title: 'unsent' });
			await world.time.drain();
			tab?.disk.factory.deleteDatabase('app:user-ann');
			await world.time.drain();
		});
		expect(seen).toContain('S19');
	});

	it('[L1] a row that the replica has lost', async () => {
		const seen = await spoil(async (world) => {
			await write(world, 'notes', (rows) => void rows.clear());
			// The overlap would bring it back, and a comparison of ids find it.
			const tab = world.devices[0]?.tabs[0];
			if (!tab) return;
			tab.sync.sync = async () => ({ success: true, uploaded: 0, downloaded: 0, conflicts: 0, errors: [] });
			tab.sync.reconcile = async () => ({ changed: 0 });
		});
		expect(seen).toContain('L1');
	});

	it('[L3] a request while all is done', async () => {
		const seen = await spoil(async (world) => {
			const tab = world.devices[0]?.tabs[0];
			const ask = () => {
				if (tab)
					void world.fetch(tab, 'http://sim.test/rest/v1/notes?limit=0', {
						headers: { authorization: 'Bearer anon-key' },
					});
			};
			setInterval(ask, 50_000);
		});
		expect(seen).toContain('L3');
	});

	it('[S31] a timer that is left behind', async () => {
		const seen = await spoil(async () => void setTimeout(() => undefined, 10_000_000));
		expect(seen).toEqual(['S31']);
	});
});
