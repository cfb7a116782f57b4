import { afterEach, describe, expect, it } from 'vitest';
import { StepError, type UploadOutput } from '../../src/core/run-contract.ts';
import { toTableSpec } from '../../src/core/table-spec.ts';
import { clearQueue } from '../../src/services/clear.ts';
import { takeLeadership } from '../../src/services/workspace.ts';
import { closeLetterWorlds, type LetterWorld, openLetterWorld } from '../support/letter-world.ts';
import { connectionLost } from '../support/memory-errors.ts';

afterEach(closeLetterWorlds);

const R = '11111111-0000-7000-8000-000000000001';
const ids = Array.from({ length: 6 }, (_, at) => `2222222${at}-0000-7000-8000-000000000002`);

/** Batches of one row. Note R is held. What happens as the first push after `arm` leaves is `work`. */
async function arranged() {
	let work: ((alice: LetterWorld, count: number) => Promise<void> | void) | null = null;
	let seen = 0;
	const alice: LetterWorld = await openLetterWorld({
		batchSize: 1,
		beforePush: async () => {
			if (work) await work(alice, ++seen);
		},
	});
	alice.server.put('notes', { id: R, title: 'one', body: 'x', size: 1 });
	await alice.download();
	alice.now += 1_000;
	return {
		alice,
		arm: (next: typeof work) => {
			work = next;
			seen = 0;
		},
	};
}

describe('a plan of several batches', () => {
	it('[R8] a letter revived while an earlier batch is sent keeps its place before the newer edit', async () => {
		const { alice, arm } = await arranged();
		// Refused for its title; the body goes with it.
		await alice.queue('notes', 'update', { title: 'bad', body: 'old body' }, R);
		await alice.upload();
		const [letter] = await alice.letters();
		alice.now += 1_000;
		await alice.queue('notes', 'create', { id: ids[0], title: 'other' });
		await alice.queue('notes', 'update', { title: 'fine', body: 'new body' }, R);
		arm(async (_, count) => {
			if (count === 1) await alice.retry(letter?.id);
		});
		await alice.upload();
		expect(await alice.row(R)).toMatchObject({ title: 'fine', body: 'new body' });
		await alice.upload();
		expect(alice.served(R)).toMatchObject({ title: 'fine', body: 'new body' });
	});

	it('[R8] a letter revived while the clock is measured keeps its place before the newer edit', async () => {
		let work: (() => Promise<unknown>) | null = null;
		const alice = await openLetterWorld({
			isClockSure: () => work === null,
			beforePull: async () => {
				const once = work;
				work = null;
				await once?.();
			},
		});
		alice.server.put('notes', { id: R, title: 'one', body: 'x', size: 1 });
		await alice.download();
		alice.now += 1_000;
		await alice.queue('notes', 'update', { title: 'bad', body: 'old body' }, R);
		await alice.upload();
		const [letter] = await alice.letters();
		alice.now += 1_000;
		await alice.queue('notes', 'update', { title: 'fine', body: 'new body' }, R);
		work = () => alice.retry(letter?.id);
		await alice.upload();
		expect(await alice.row(R)).toMatchObject({ title: 'fine', body: 'new body' });
		await alice.upload();
		expect(alice.served(R)).toMatchObject({ title: 'fine', body: 'new body' });
	});

	it('[R10] what is cleared while a batch is sent is not sent by the next one', async () => {
		const { alice, arm } = await arranged();
		for (const id of ids) await alice.queue('notes', 'create', { id, title: 'secret' });
		let cleared: Promise<void> | null = null;
		arm((_, count) => {
			if (count === 1) cleared = alice.services.clearQueue('notes', Number.POSITIVE_INFINITY);
		});
		await alice.upload();
		await cleared;
		expect(alice.server.rows('notes').filter(({ title }) => title === 'secret')).toHaveLength(1);
	});

	it('[R10] what another tab clears, with no leader heard, is not sent by a later batch', async () => {
		const { alice, arm } = await arranged();
		for (const id of ids) await alice.queue('notes', 'create', { id, title: 'secret' });
		const spec = toTableSpec({ table: 'notes', dependsOn: ['lists', 'notes'] });
		arm(async (_, count) => {
			if (count === 1) await clearQueue(alice.workspace.store, spec);
		});
		await alice.upload();
		expect(await alice.outbox()).toEqual([]);
		expect(alice.server.rows('notes').filter(({ title }) => title === 'secret')).toHaveLength(1);
	});

	it('[R12] [R13] what earlier batches have sent is told though a later one gets no answer', async () => {
		const { alice, arm } = await arranged();
		for (const id of ids) await alice.queue('notes', 'create', { id, title: 'good' });
		arm((_, count) => {
			if (count === 4) throw connectionLost();
		});
		const input = { table: 'notes', force: true, holdDeletes: false, retryAt: alice.now };
		let uploaded = 0;
		let upTo: number | null = null;
		for (;;) {
			const out: UploadOutput | StepError = await alice.services
				.upload({ ...input, upTo }, new AbortController().signal)
				.catch((error: unknown) => error as StepError);
			uploaded += out instanceof StepError ? out.counts.uploaded : out.uploaded;
			if (out instanceof StepError) break;
			upTo = out.upTo;
			if (!out.more) break;
		}
		expect(alice.server.rows('notes')).toHaveLength(4);
		expect(uploaded).toBe(3);
	});

	it('[R12] a refusal of an earlier batch is told though a later one gets no answer', async () => {
		const { alice, arm } = await arranged();
		await alice.queue('notes', 'create', { id: ids[0], title: 'bad' });
		await alice.queue('notes', 'create', { id: ids[1], title: 'good' });
		arm((_, count) => {
			if (count === 2) throw connectionLost();
		});
		const errors: string[] = [];
		const input = { table: 'notes', force: true, holdDeletes: false, retryAt: alice.now };
		const { signal } = new AbortController();
		for (let upTo: number | null = null, more = true; more; ) {
			const out: UploadOutput | StepError = await alice.services
				.upload({ ...input, upTo }, signal)
				.catch((error: unknown) => error as StepError);
			errors.push(...(out instanceof StepError ? out.counts : out).errors);
			upTo = out instanceof StepError ? null : out.upTo;
			more = out instanceof StepError ? false : out.more;
		}
		expect(await alice.letters()).toHaveLength(1);
		expect(errors).toHaveLength(1);
	});

	it('[R9] ends where another tab takes the lead between two batches', async () => {
		const { alice, arm } = await arranged();
		for (const id of ids) await alice.queue('notes', 'create', { id, title: 'good' });
		arm(async (_, count) => {
			if (count === 2) await takeLeadership({ ...alice.workspace });
		});
		await expect(alice.upload()).rejects.toMatchObject({ code: 'superseded' });
		expect(alice.server.rows('notes').filter(({ title }) => title === 'good')).toHaveLength(2);
		const left = (await alice.outbox()).map(({ rowId }) => rowId);
		expect(left).toEqual(expect.arrayContaining(ids.slice(1)));
	});

	it('[S2] an edit and a delete made between two batches are kept', async () => {
		const { alice, arm } = await arranged();
		for (const id of ids) await alice.queue('notes', 'create', { id, title: 'new' });
		arm(async (_, count) => {
			if (count !== 2) return;
			await alice.queue('notes', 'update', { title: 'edited' }, ids[0]);
			await alice.queue('notes', 'update', { title: 'edited' }, ids[4]);
			await alice.queue('notes', 'delete', null, ids[5]);
			await alice.queue('notes', 'delete', null, ids[1]);
		});
		await alice.upload();
		await alice.upload();
		const titles = ids.map((id) => alice.served(id)?.title);
		expect(titles).toEqual(['edited', undefined, 'new', 'new', 'edited', undefined]);
		expect(await alice.outbox()).toEqual([]);
	});
});
