import { describe, expect, it } from 'vitest';
import { createServerClock } from '../../src/services/server-clock.ts';
import { openReplica } from '../support/replica.ts';

/** An answer of a server whose clock is `ahead` of the device’s, at device time `at`. */
const answer = (at: number, ahead: number) => ({
	sentAt: at - 20,
	receivedAt: at + 20,
	tookMs: 40,
	serverDateMs: Math.floor((at + ahead) / 1_000) * 1_000,
});

const stored = async ({ store }: Awaited<ReturnType<typeof openReplica>>) =>
	(await store.transact('r', [], (stores) => stores.meta.get('clock')))?.value;

const T = 1_700_000_000_500;

/** Its clocks; `now` may be set. */
const device = (clocks = { at: T, monotonicAt: 0 }) => ({
	now: () => clocks.at,
	monotonic: () => clocks.monotonicAt,
});

describe('server clock', () => {
	it('[R21][F58] knows nothing until an answer told the time', () => {
		const clock = createServerClock(device());
		expect(clock.offset()).toBeNull();
		clock.observe({ ...answer(T, 0), serverDateMs: null });
		expect(clock.offset()).toBeNull();
		clock.observe(answer(T, 3_600_000));
		expect(clock.offset()).toBeGreaterThan(3_598_000);
		expect(clock.offset()).toBeLessThan(3_602_000);
	});

	it('[F58] many answers narrow it down', () => {
		const clock = createServerClock(device());
		const ahead = 61_234;
		for (let n = 0; n < 50; n++) clock.observe(answer(T + n * 1_037, ahead));
		expect(Math.abs((clock.offset() ?? 0) - ahead)).toBeLessThan(100);
	});

	it('[R21] survives a restart, also without a network, until the next answer', async () => {
		const alice = await openReplica();
		const clock = createServerClock(device());
		await clock.attach(alice.store);
		clock.observe(answer(T, 90_000));
		const learnt = clock.offset();
		await expect.poll(() => stored(alice)).toBe(learnt);
		const restarted = createServerClock(device());
		expect(restarted.offset()).toBeNull();
		await restarted.attach(alice.store);
		expect(restarted.offset()).toBe(learnt);
		restarted.observe(answer(T, -90_000));
		expect(restarted.offset()).toBeLessThan(0);
		alice.store.close();
	});

	it('[F58] is sure only of what was measured in this session, and while no clock is set', async () => {
		const alice = await openReplica();
		const clocks = { at: T, monotonicAt: 0 };
		const pass = (ms: number, monotonicMs = ms) => {
			clocks.at += ms;
			clocks.monotonicAt += monotonicMs;
		};
		const clock = createServerClock(device(clocks));
		await clock.attach(alice.store);
		expect(clock.isSure()).toBe(false);
		clock.observe(answer(T, 90_000));
		expect(clock.isSure()).toBe(true);
		pass(3_600_000, 3_599_000);
		expect(clock.isSure(), 'slewed').toBe(true);
		pass(2_000, 6_000_000);
		expect(clock.isSure(), 'set back').toBe(false);
		clock.observe(answer(clocks.at, 90_000));
		expect(clock.isSure(), 'measured again').toBe(true);
		pass(90_000, 10);
		expect(clock.isSure(), 'set forward, or slept').toBe(false);

		const restarted = createServerClock(device(clocks));
		await restarted.attach(alice.store);
		expect(restarted.offset()).not.toBeNull();
		expect(restarted.isSure(), 'of an earlier session').toBe(false);
		alice.store.close();
	});

	it('[F58] does not ask a server again that tells no time', () => {
		const clock = createServerClock(device());
		clock.observe({ ...answer(T, 0), serverDateMs: null });
		expect(clock.isSure()).toBe(true);
		clock.observe(answer(T, 0));
		expect(clock.isSure()).toBe(true);
		clock.forget();
		expect(clock.isSure()).toBe(false);
	});

	it('noise below the header’s resolution is not written each time', async () => {
		const alice = await openReplica();
		const clock = createServerClock(device());
		await clock.attach(alice.store);
		clock.observe(answer(T, 90_000));
		await expect.poll(() => stored(alice)).toBe(clock.offset());
		let writes = 0;
		alice.store.dexie.table('meta').hook('updating', () => {
			writes++;
			return undefined;
		});
		for (let n = 0; n < 20; n++) clock.observe(answer(T + n * 1_003, 90_000));
		await stored(alice);
		expect(writes).toBeLessThan(4);
		alice.store.close();
	});

	it('[R23] what was learnt in one user’s replica is known in the next one’s, and stored there', async () => {
		const [alice, bob] = [await openReplica(), await openReplica()];
		const clock = createServerClock(device());
		await clock.attach(alice.store);
		clock.observe(answer(T, 90_000));
		const learnt = clock.offset();
		await clock.attach(bob.store);
		expect(clock.offset()).toBe(learnt);
		await expect.poll(() => stored(bob)).toBe(learnt);
		for (const { store } of [alice, bob]) store.close();
	});

	it('a store that refuses does not disturb anybody', async () => {
		const alice = await openReplica();
		const clock = createServerClock(device());
		await clock.attach(alice.store);
		alice.store.close();
		clock.observe(answer(T, 90_000));
		expect(clock.offset()).not.toBeNull();
		await new Promise((resolve) => setTimeout(resolve, 5));
	});

	for (const by of [-3_600_000, 3_600_000]) {
		it(`[R21] a clock set by ${by / 3_600_000} h while a request is under way is measured anew`, () => {
			const clocks = { at: T, monotonicAt: 0 };
			const clock = createServerClock(device(clocks));
			clock.observe(answer(T, 0));
			clocks.at += 5_000 + by;
			clocks.monotonicAt += 5_000;
			const sentAt = T + 4_900;
			clock.observe({ sentAt, receivedAt: clocks.at, tookMs: 100, serverDateMs: T + 5_000 });
			expect(clock.isSure()).toBe(false);
			clock.observe(answer(clocks.at, -by));
			expect(clock.isSure()).toBe(true);
			expect(Math.abs((clock.offset() ?? 0) + by)).toBeLessThan(3_000);
		});
	}

	it('[R21] an answer that a clock was set before takes nothing away from what was measured since', () => {
		const clocks = { at: T, monotonicAt: 0 };
		const clock = createServerClock(device(clocks));
		clock.observe(answer(T, 0));
		clocks.at += 100 - 3_600_000;
		clocks.monotonicAt += 100;
		clock.observe(answer(clocks.at, 3_600_000));
		expect(clock.isSure()).toBe(true);
		const measured = clock.offset();
		clock.observe({ sentAt: T, receivedAt: clocks.at, tookMs: 100, serverDateMs: T });
		expect([clock.isSure(), clock.offset()]).toEqual([true, measured]);
	});

	it('[R21] ten days without an answer do not make a clock that was set by minutes a sure one', () => {
		const clocks = { at: T, monotonicAt: 0 };
		const clock = createServerClock(device(clocks));
		clock.observe(answer(T, 0));
		clocks.monotonicAt += 864_000_000;
		clocks.at += 864_000_000 - 600_000;
		expect(clock.isSure()).toBe(false);
	});
});
