import { describe, expect, it } from 'vitest';
import { PixSyncError } from '../../src/core/errors.ts';
import { createRandomSource } from '../support/random-source.ts';
import { createTabWorld, type FakeTab } from '../support/tab-world.ts';

const leaders = (...tabs: FakeTab[]) => tabs.filter(({ tabs: own }) => own.isLeading).map(({ name }) => name);

describe('[F52] [S24] who leads', () => {
	it('the first tab; when it closes, or crashes, the next at once', async () => {
		const world = createTabWorld();
		const [a, b, c] = [await world.open('a'), await world.open('b'), await world.open('c')];
		await Promise.all([a, b, c].map(({ tabs }) => tabs.decided));
		expect(leaders(a, b, c)).toEqual(['a']);
		a.close();
		await world.settle();
		expect(leaders(b, c)).toEqual(['b']);
		b.crash();
		await world.settle();
		expect(leaders(c)).toEqual(['c']);
		expect(c.epoch).toBe(3);
	});

	it('[R24] a frozen leader is replaced within ten seconds; awake again it sends nothing, and follows', async () => {
		const world = createTabWorld();
		const [a, b, c] = [await world.open('a'), await world.open('b'), await world.open('c')];
		await world.advance(5_000);
		a.freeze();
		await world.advance(9_000);
		expect(b.tabs.isLeading).toBe(true);
		// Nothing has told it yet that it was robbed.
		expect(a.epoch).toBe(1);
		const thawing = a.tabs.confirm();
		await expect(thawing).rejects.toMatchObject({ code: 'superseded' });
		await world.advance(5_000);
		const heard = c.states.length;
		a.thaw();
		await world.advance(20_000);
		expect(leaders(a, b, c)).toEqual(['b']);
		// Nor do others follow it again.
		expect(c.states.slice(heard)).not.toContainEqual({ of: 'a' });
		expect(a.epoch).toBeNull();
		expect(a.states.at(-1)).toEqual({ of: 'b' });
		b.close();
		await world.settle();
		expect(leaders(a, c)).toHaveLength(1);
	});

	it('[F58] [L6] with a clock that was set back an hour: a frozen leader is replaced as soon, and finds out', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		await world.advance(5_000);
		a.freeze();
		world.setClock(-3_600_000);
		await world.advance(9_000);
		expect(leaders(b)).toEqual(['b']);
		await expect(a.tabs.confirm()).rejects.toMatchObject({ code: 'superseded' });
	});

	it('a leader that was only slow is asked of the database, and goes on', async () => {
		const world = createTabWorld();
		const a = await world.open('a');
		a.freeze();
		await world.advance(60_000);
		a.thaw();
		expect(await world.mayWrite(a)).toBe(true);
	});

	it('a follower that slept itself does not take its own sleep for the leader’s', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		await world.advance(3_000);
		b.freeze();
		await world.advance(600_000);
		// Its timers run before the messages that it missed are delivered.
		const { now } = world;
		b.thaw();
		await world.advance(3_000);
		expect(world.now).toBe(now + 3_000);
		expect(leaders(a, b)).toEqual(['a']);
		expect(a.epoch).toBe(1);
	});

	it('tabs out of sight, whose timers run once a minute, leave the lead where it is', async () => {
		const world = createTabWorld();
		const slow = { timersEveryMs: 60_000 };
		const [a, b, c] = [await world.open('a', slow), await world.open('b', slow), await world.open('c', slow)];
		for (const tab of [a, b, c]) tab.isHidden = true;
		await world.advance(3_600_000);
		expect(leaders(a, b, c)).toEqual(['a']);
		expect(a.epoch).toBe(1);
	});

	it('one that is looked at takes the lead from one out of sight that is not heard', async () => {
		const world = createTabWorld();
		const a = await world.open('a', { timersEveryMs: 60_000 });
		a.isHidden = true;
		const b = await world.open('b');
		await world.advance(10_000);
		expect(leaders(b)).toEqual(['b']);
	});

	it('one that is robbed while the database keeps it waiting does not lead', async () => {
		const world = createTabWorld();
		const [a, b, c] = [await world.open('a'), await world.open('b'), await world.open('c')];
		await world.advance(1_000);
		let answer: () => void = () => undefined;
		const waiting = new Promise<void>((resolve) => {
			answer = resolve;
		});
		b.database = waiting;
		a.freeze();
		await world.advance(30_000);
		expect(leaders(b, c)).toEqual(['c']);
		answer();
		await world.settle();
		expect(leaders(b, c)).toEqual(['c']);
		expect(b.epoch).toBeNull();
		await world.advance(30_000);
		expect(leaders(b, c)).toEqual(['c']);
	});

	it('[F47] one whose database refuses leaves the lead to others, and asks again later, not at once', async () => {
		const world = createTabWorld();
		const a = await world.open('a');
		const b = await world.open('b');
		let refusals = 0;
		const refuse = () => {
			refusals++;
			const full = Promise.reject(new Error('the disk is full'));
			full.catch(() => undefined);
			return full;
		};
		Object.defineProperty(b, 'database', { configurable: true, get: refuse });
		a.close();
		await world.settle();
		expect(b.tabs.isLeading).toBe(false);
		expect(refusals).toBe(1);
		await world.advance(30_000);
		expect(refusals).toBeGreaterThan(1);
		expect(refusals).toBeLessThan(10);
		Object.defineProperty(b, 'database', { configurable: true, value: null });
		await world.advance(10_000);
		expect(b.tabs.isLeading).toBe(true);
	});

	it('without a channel they take turns, and a silent leader keeps the lead', async () => {
		const world = createTabWorld();
		const [a, b] = [
			await world.open('a', { hasChannel: false }),
			await world.open('b', { hasChannel: false }),
		];
		a.freeze();
		await world.advance(60_000);
		expect(b.tabs.isLeading).toBe(false);
		await expect(b.tabs.call('sync', [])).rejects.toMatchObject({ code: 'not-leader' });
		a.thaw();
		a.close();
		await world.settle();
		expect(b.tabs.isLeading).toBe(true);
	});

	const seed = Number(process.env.PIXSYNC_SEED ?? Math.floor(Math.random() * 2 ** 31));
	it(`never two at once, whoever freezes, thaws, crashes, closes or opens: seed ${seed}`, async () => {
		console.log(`tabs: repeat with PIXSYNC_SEED=${seed}`);
		const random = createRandomSource(seed);
		let changes = 0;
		for (let run = 0; run < 40; run++) {
			const world = createTabWorld();
			const open: FakeTab[] = [];
			const frozen = new Set<FakeTab>();
			let opened = 0;
			let last: FakeTab | undefined;
			for (let step = 0; step < 60; step++) {
				const tab = open.length > 0 ? random.pick(open) : undefined;
				const does = random.weighted({ open: 3, freeze: 4, thaw: 4, crash: 1, close: 1, wait: 8 });
				if (does === 'open' && open.length < 5) open.push(await world.open(`t${++opened}`));
				else if (tab && does === 'freeze') {
					tab.freeze();
					frozen.add(tab);
				} else if (tab && does === 'thaw' && frozen.delete(tab)) tab.thaw();
				else if (tab && (does === 'crash' || does === 'close')) {
					if (frozen.delete(tab)) tab.thaw();
					tab[does]();
					open.splice(open.indexOf(tab), 1);
				} else await world.advance(random.below(12_000));
				// Or the lead may change while they are asked, one after the other.
				await world.settle();
				const writers: FakeTab[] = [];
				for (const one of open) if (await world.mayWrite(one)) writers.push(one);
				expect(writers.length).toBeLessThanOrEqual(1);
				if (writers[0] && writers[0] !== last) changes++;
				last = writers[0] ?? last;
			}
			// Whoever is awake and in sight leads in the end (L6).
			for (const tab of frozen) tab.thaw();
			await world.advance(15_000);
			if (open.length > 0) expect(leaders(...open)).toHaveLength(1);
		}
		console.log(`tabs: the lead changed ${changes} times`);
		expect(changes).toBeGreaterThan(40);
	});
});

describe('[S25] followers', () => {
	it('tell the leader what they queued, and hear its state and notices', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		await world.advance(500);
		expect(b.states.at(-1)).toEqual({ of: 'a' });
		b.tabs.tellQueued(['notes']);
		a.tabs.tellNotice('synced', { table: 'notes' });
		// What a follower says of itself is nobody's business.
		b.tabs.tellNotice('synced', { table: 'nonsense' });
		await world.settle();
		expect(a.queued).toEqual([['notes']]);
		expect(b.notices).toEqual([{ table: 'notes' }]);
		expect(a.notices).toEqual([]);
		const told = b.states.length;
		for (let left = 100; left > 0; left--) a.tabs.tellState();
		await world.advance(1_000);
		expect(b.states.length).toBe(told + 1);
		a.freeze();
		await world.advance(6_900);
		expect(b.states.at(-1)).toBeNull();
	});

	it('ask the leader, and get its answer or its error', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		a.answer = async () => ({ success: true, uploaded: 3 });
		expect(await b.tabs.call('sync', [['notes']])).toEqual({ success: true, uploaded: 3 });
		expect(a.called).toEqual([{ name: 'sync', args: [['notes']] }]);
		a.answer = async () => {
			throw new PixSyncError('reconcile-shrink', 'too much', {
				fault: 'fatal',
				hint: 'look',
				table: 'notes',
			});
		};
		await expect(b.tabs.call('reconcile', ['notes'])).rejects.toMatchObject({
			...{ code: 'reconcile-shrink', message: 'too much', fault: 'fatal', hint: 'look', table: 'notes' },
		});
	});

	it('a leader that dies in the middle of a call: the next one answers it', async () => {
		const world = createTabWorld();
		const [a, b, c] = [await world.open('a'), await world.open('b'), await world.open('c')];
		a.answer = () => new Promise(() => undefined);
		const asked = c.tabs.call('sync', []);
		await world.settle();
		expect(a.called).toHaveLength(1);
		a.crash();
		await world.advance(3_000);
		expect(b.tabs.isLeading).toBe(true);
		expect(await asked).toBe('b');
	});

	it('a follower that becomes the leader answers its own call', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		a.answer = () => new Promise(() => undefined);
		const asked = b.tabs.call('sync', []);
		await world.settle();
		a.freeze();
		await world.advance(9_000);
		expect(await asked).toBe('b');
		expect(b.called).toHaveLength(1);
	});

	it('with nobody to ask they say so, in the end', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		await world.settle();
		a.freeze();
		b.isHidden = true;
		const asked = b.tabs.call('sync', []).catch((error: PixSyncError) => error.code);
		await world.advance(30_000);
		expect(await asked).toBe('not-leader');
	});

	it('[F58] with nobody to ask they say so as soon where the clock is set back an hour', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		await world.settle();
		a.freeze();
		b.isHidden = true;
		let answer: string | null = null;
		b.tabs.call('sync', []).catch((error: PixSyncError) => {
			answer = error.code;
		});
		world.setClock(-3_600_000);
		await world.advance(30_000);
		expect(answer).toBe('not-leader');
	});

	it('what is no message of theirs is ignored: another version, another page’s, nonsense', async () => {
		const world = createTabWorld();
		const [a, b] = [await world.open('a'), await world.open('b')];
		await world.advance(500);
		const told = b.states.length;
		for (const data of [
			...[null, 'text', 7, {}, { pixsync: 1 }, { pixsync: 1, from: 'x' }],
			{ pixsync: 2, from: 'x', message: { kind: 'beat', epoch: 99 } },
			{ pixsync: 1, from: 'x', message: { kind: 'beat', epoch: 'high' } },
			{ pixsync: 1, from: 'x', message: { kind: 'order', tables: [] } },
			{ pixsync: 1, from: 'x', message: { kind: 'queued', tables: [7] } },
			{ pixsync: 1, from: 'x', message: { kind: 'call', id: 1, name: 'sync', args: [] } },
			{ pixsync: 1, from: 'x', message: { kind: 'state', state: { of: 'x' } } },
		]) {
			world.say(data);
		}
		await world.advance(1_000);
		expect(leaders(a, b)).toEqual(['a']);
		expect(a.queued).toEqual([]);
		expect(a.called).toEqual([]);
		expect(b.states.length).toBe(told);
	});
});
