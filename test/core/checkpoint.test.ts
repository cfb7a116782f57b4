import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Checkpoint, logStart, planPull, pullStart } from '../../src/core/checkpoint.ts';
import { compareTimestamps, toTimestampText } from '../../src/core/timestamp.ts';

const at = (second: number, micros = 0) =>
	toTimestampText(1_700_000_000_000_000n + BigInt(second) * 1_000_000n + BigInt(micros));

function checkpoint(part: Partial<Checkpoint>): Checkpoint {
	return {
		table: 'notes',
		transport: 'rest',
		position: { timestamp: at(100), id: 'x' },
		scanStartedAt: null,
		headAt: at(100),
		selection: '',
		syncedAt: 1,
		...part,
	};
}

describe('logStart', () => {
	it('[S15] reaches back from the beginning of a scan that was cut off, for what was committed since', () => {
		const cut = checkpoint({ scanStartedAt: at(95), position: { timestamp: at(97), id: 'x' } });
		expect(logStart(cut, 10_000)).toBe(at(85));
	});

	it('[S15] a scan that has not come so far goes on where it is, and a whole one as by timestamps', () => {
		const cut = checkpoint({ scanStartedAt: at(95), position: { timestamp: at(20), id: 'x' } });
		expect(logStart(cut, 10_000)).toBe(at(20));
		expect(logStart(checkpoint({}), 10_000)).toBe(at(90));
		expect(logStart(checkpoint({ position: null }), 10_000)).toBeNull();
		expect(logStart(null, 10_000)).toBeNull();
	});
});

describe('pullStart', () => {
	it('[R15] without a checkpoint, or with one that has seen no row, everything is read', () => {
		expect(pullStart(null, 10_000)).toBeNull();
		expect(pullStart(checkpoint({ position: null }), 10_000)).toBeNull();
		expect(pullStart(checkpoint({ position: null, scanStartedAt: at(5) }), 10_000)).toBeNull();
	});

	it('[R15][F8] starts the overlap before the last scan’s first request, where the position lies behind that', () => {
		expect(
			pullStart(checkpoint({ headAt: at(100), position: { timestamp: at(99), id: 'x' } }), 10_000),
		).toEqual({
			timestamp: at(90),
			id: null,
		});
	});

	it('[R15] a position older than the overlap is the start itself, id included', () => {
		const position = { timestamp: at(50), id: 'x' };
		expect(pullStart(checkpoint({ headAt: at(100), position }), 10_000)).toEqual(position);
	});

	it('[R15] at the overlap’s very edge the rows of that instant are read again', () => {
		const position = { timestamp: at(90), id: 'x' };
		expect(pullStart(checkpoint({ headAt: at(100), position }), 10_000)).toEqual({
			timestamp: at(90),
			id: null,
		});
		const before = { timestamp: at(90, -1), id: 'x' };
		expect(pullStart(checkpoint({ headAt: at(100), position: before }), 10_000)).toEqual(before);
	});

	it('[R15] a row stamped in the future does not pull the start along', () => {
		const position = { timestamp: at(9_999), id: 'x' };
		expect(pullStart(checkpoint({ headAt: at(100), position }), 10_000)).toEqual({
			timestamp: at(90),
			id: null,
		});
	});

	it('[R15] a scan that was cut off goes on at its position, whatever the overlap', () => {
		const position = { timestamp: at(99), id: 'x' };
		expect(pullStart(checkpoint({ position, scanStartedAt: at(100), headAt: at(40) }), 10_000)).toEqual(
			position,
		);
		expect(pullStart(checkpoint({ position, scanStartedAt: at(100), headAt: null }), 10_000)).toEqual(
			position,
		);
	});

	it('[R15] where the server tells no time, the overlap is reckoned from the position', () => {
		expect(pullStart(checkpoint({ headAt: null }), 10_000)).toEqual({ timestamp: at(90), id: null });
	});

	it('[R15] an overlap of nothing reads the last instant again, if it may still fill up', () => {
		expect(pullStart(checkpoint({}), 0)).toEqual({ timestamp: at(100), id: null });
	});

	it('[F15] a position that is no timestamp is kept as it is', () => {
		const position = { timestamp: 'soon', id: 'x' };
		expect(pullStart(checkpoint({ headAt: null, position }), 10_000)).toEqual(position);
	});

	it('[S15] never starts behind the position, nor behind the overlap', () => {
		fc.assert(
			fc.property(fc.nat(1_000), fc.nat(1_000), fc.nat(200_000), (seen, asked, overlapMs) => {
				const position = { timestamp: at(seen), id: 'x' };
				const start = pullStart(checkpoint({ position, headAt: at(asked) }), overlapMs);
				expect(start).not.toBeNull();
				if (!start) return;
				expect(compareTimestamps(start.timestamp, position.timestamp)).toBeLessThanOrEqual(0);
				const overlapStart = at(asked, -overlapMs * 1_000);
				expect(compareTimestamps(start.timestamp, overlapStart)).toBeLessThanOrEqual(0);
				// A start that names a row leaves out all up to it: only where nothing new can appear there.
				if (start.id !== null) expect(compareTimestamps(start.timestamp, overlapStart)).toBe(-1);
			}),
		);
	});
});

describe('planPull: one transport’s place is none of the other’s', () => {
	const rest = checkpoint({});
	const rpc = checkpoint({ transport: 'rpc', position: null, cursor: 'c', headAt: at(200) });
	const anew = { checkpoint: null, other: null };

	it('the first pull is told from a new start after another selection (F21)', () => {
		expect(planPull('rpc', {}, '')).toEqual({ kind: 'first', ...anew });
		expect(planPull('rest', {}, '')).toEqual({ kind: 'first', ...anew });
		for (const stored of [{ rest }, { rpc }, { rest, rpc }]) {
			expect(planPull('rpc', stored, 'other')).toEqual({ kind: 'reselected', ...anew });
			expect(planPull('rest', stored, 'other')).toEqual({ kind: 'reselected', ...anew });
		}
	});

	it('the log goes on at its own cursor; without one, REST’s place tells from when', () => {
		expect(planPull('rpc', { rest, rpc }, '')).toMatchObject({ kind: 'next', checkpoint: rpc });
		expect(planPull('rpc', { rest }, '')).toEqual({ kind: 'next', checkpoint: null, other: rest });
	});

	it('[R15] REST goes on at its own place, or reaches back from the log’s last head if that is later', () => {
		const start = (stored: Parameters<typeof planPull>[1]) =>
			pullStart(planPull('rest', stored, '').checkpoint, 10_000);
		const fromLog = { timestamp: at(190), id: null };
		expect(start({ rest })).toEqual(pullStart(rest, 10_000));
		expect(start({ rest, rpc })).toEqual(fromLog);
		expect(start({ rpc })).toEqual(fromLog);
		expect(start({ rest: checkpoint({ headAt: null, scanStartedAt: at(90) }), rpc })).toEqual(fromLog);
		const later = checkpoint({ headAt: at(300), position: { timestamp: at(300), id: 'x' } });
		expect(start({ rest: later, rpc })).toEqual(pullStart(later, 10_000));
		// The log's first pull has not come to its end: nothing is known to be complete.
		expect(start({ rpc: { ...rpc, headAt: null } })).toBeNull();
		expect(start({ rest, rpc: { ...rpc, headAt: null } })).toEqual(pullStart(rest, 10_000));
	});

	it('a new start that is under way goes on by its own transport, and is begun again by the other', () => {
		const reselecting = { ...rpc, isReselecting: true as const };
		expect(planPull('rpc', { rpc: reselecting }, '')).toMatchObject({
			...{ kind: 'reselected', checkpoint: reselecting },
		});
		expect(planPull('rest', { rpc: reselecting }, '')).toEqual({ kind: 'reselected', ...anew });
		const resetting = { ...rpc, isResetting: true as const };
		expect(planPull('rpc', { rest, rpc: resetting }, '')).toMatchObject({
			kind: 'reset',
			checkpoint: resetting,
		});
		expect(planPull('rest', { rest, rpc: resetting }, '')).toEqual({
			kind: 'next',
			checkpoint: rest,
			other: null,
		});
	});
});
