import { afterEach, describe, expect, it } from 'vitest';
import { toTableSpec } from '../../src/core/table-spec.ts';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);
const R = '11111111-0000-7000-8000-000000000001';
const NOTES = { dependsOn: ['lists', 'notes'], conflictResolution: 'manual' as const };

/** R is held of a version that the server has gone back behind; an edit of it is parked. */
async function parked() {
	const alice = await openLetterWorld({ notes: NOTES });
	alice.server.put('notes', { id: R, title: 'one' }, { stampedAt: '2026-01-01T02:00:00+00:00' });
	await alice.download();
	alice.now += 1_000;
	await alice.queue('notes', 'update', { title: 'mine' }, R);
	alice.server.put('notes', { id: R, title: 'theirs' }, { stampedAt: '2026-01-01T01:00:00+00:00' });
	await alice.upload();
	const spec = toTableSpec({ table: 'notes', ...NOTES });
	const [conflict] = await alice.workspace.conflicts.list([spec]);
	return { alice, conflict, spec };
}

describe('a version that goes back', () => {
	it('[R19] the person who decides is shown the base as it was confirmed', async () => {
		const { conflict } = await parked();
		expect(conflict?.base?.updated_at).toMatch(/^2026/);
	});

	it('[R6] the row is shown with a version that somebody gave it', async () => {
		const { alice } = await parked();
		expect((await alice.row(R))?.updated_at).toMatch(/^2026/);
	});

	it('[R19] decided for the local version, it is sent', async () => {
		const { alice, conflict, spec } = await parked();
		await alice.workspace.conflicts.decide(new Map([['notes', spec]]), conflict?.id ?? '', 'local');
		await alice.upload();
		expect(alice.served(R)?.title).toBe('mine');
		expect(await alice.outbox()).toEqual([]);
		expect((await alice.row(R))?.updated_at).toMatch(/^2026/);
	});
});
