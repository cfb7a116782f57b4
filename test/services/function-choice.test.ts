import { beforeEach, describe, expect, it } from 'vitest';
import { PixSyncError } from '../../src/core/errors.ts';
import { createFunctionChoice, type FunctionChoice } from '../../src/services/rpc/function-choice.ts';
import { connectionLost, sessionRefused, toRefused, unavailable } from '../support/memory-errors.ts';
import { specOf } from '../support/mutations.ts';

const HOUR_MS = 3_600_000;
const SIGNAL = new AbortController().signal;
const [notes, tasks] = [specOf({ table: 'notes' }), specOf({ table: 'tasks' })];

let nowMs: number;
let asked: string[];
/** What the project answers; null: it has the function. */
let answer: (table: string) => PixSyncError | null;
let stored: unknown;
let choice: FunctionChoice;

const start = (options: { trustsMemory?: boolean } = {}) =>
	createFunctionChoice({
		...options,
		now: () => nowMs,
		async question({ table }) {
			asked.push(table);
			await Promise.resolve();
			const error = answer(table);
			if (error) throw error;
		},
		memory: {
			read: async () => stored,
			async write(value) {
				stored = structuredClone(value);
			},
		},
	});

/** The kept "no"s. */
const refusals = () => {
	const { all, tables } = (stored ?? {}) as { all?: number | null; tables?: object };
	return { ...(all ? { all } : {}), ...tables };
};
const refused = (code: string) => (table: string) => toRefused(table, { code, message: code });
const bare = (status: number) => (table: string) =>
	new PixSyncError(`http-${status}`, 'no', { hint: '', table, fault: 'retryable' });

beforeEach(() => {
	nowMs = Date.parse('2026-03-04T05:06:07Z');
	asked = [];
	answer = () => null;
	stored = undefined;
	choice = start();
});

describe('whether a table goes by a function of the project’s', () => {
	it('is asked once a session where the answer is yes, and is not known before', async () => {
		expect(choice.isThere('notes')).toBe(false);
		expect(await choice.ask(notes, SIGNAL)).toBe(true);
		expect(await choice.ask(notes, SIGNAL)).toBe(true);
		expect([choice.isThere('notes'), choice.isThere('tasks'), asked]).toEqual([true, false, ['notes']]);
		choice = start();
		expect([await choice.ask(notes, SIGNAL), asked]).toEqual([true, ['notes', 'notes']]);
	});

	it('what was found is remembered, believed where the memory is trusted, and forgotten as it goes', async () => {
		await choice.ask(notes, SIGNAL);
		const trusting = () => start({ trustsMemory: true });
		choice = trusting();
		expect([choice.isThere('notes'), await choice.wasThere('notes')]).toEqual([false, true]);
		expect([await choice.ask(notes, SIGNAL), asked]).toEqual([true, ['notes']]);
		expect(choice.learn('notes', refused('42P01')('notes'))).toBe(true);
		choice = trusting();
		expect([await choice.wasThere('notes'), await choice.ask(notes, SIGNAL)]).toEqual([false, false]);
	});

	it('no such function: no table asks for a day, in this session and the next, and then one does', async () => {
		answer = refused('PGRST202');
		const both = await Promise.all([choice.ask(notes, SIGNAL), choice.ask(tasks, SIGNAL)]);
		expect([both, asked]).toEqual([[false, false], ['notes']]);
		nowMs += 23 * HOUR_MS;
		expect(await choice.ask(tasks, SIGNAL)).toBe(false);
		choice = start();
		expect([await choice.ask(tasks, SIGNAL), asked]).toEqual([false, ['notes']]);
		nowMs += 2 * HOUR_MS;
		answer = () => null;
		expect([await choice.ask(tasks, SIGNAL), asked]).toEqual([true, ['notes', 'tasks']]);
	});

	it('in a session that goes on for longer than a day it is asked again, too', async () => {
		answer = refused('42883');
		await choice.ask(notes, SIGNAL);
		nowMs += 25 * HOUR_MS;
		answer = () => null;
		expect([await choice.ask(notes, SIGNAL), asked]).toEqual([true, ['notes', 'notes']]);
	});

	it('a clock that was set back makes no "no" of tomorrow last for ever', async () => {
		answer = refused('PGRST202');
		await choice.ask(notes, SIGNAL);
		nowMs -= 400 * 24 * HOUR_MS;
		choice = start();
		answer = () => null;
		expect(await choice.ask(notes, SIGNAL)).toBe(true);
	});

	it.each(['42P01', '42501'])('%s is the one table’s answer, and kept for a day', async (code) => {
		answer = (table) => (table === 'notes' ? refused(code)(table) : null);
		expect([await choice.ask(notes, SIGNAL), await choice.ask(tasks, SIGNAL)]).toEqual([false, true]);
		choice = start();
		expect([await choice.ask(notes, SIGNAL), asked]).toEqual([false, ['notes', 'tasks']]);
		nowMs += 25 * HOUR_MS;
		await choice.ask(notes, SIGNAL);
		expect(asked).toEqual(['notes', 'tasks', 'notes']);
	});

	it.each([
		['nobody answers', connectionLost],
		['the session is refused', sessionRefused],
		['the server is too busy', (table: string) => unavailable(table, 503)],
		['the database is', refused('53300')],
		['the project is paused', bare(402)],
	] as const)('[F37] %s: nothing is learnt, and the error is the caller’s', async (_, error) => {
		answer = error;
		await expect(choice.ask(notes, SIGNAL)).rejects.toMatchObject({ code: error('notes').code });
		answer = () => null;
		expect([await choice.ask(notes, SIGNAL), refusals()]).toEqual([true, {}]);
	});

	it('[F37] tables that wait for a question which nobody answers do not wait for each other’s', async () => {
		const open: (() => void)[] = [];
		choice = createFunctionChoice({
			now: () => nowMs,
			question: ({ table }) =>
				new Promise((_, reject) => {
					asked.push(table);
					open.push(() => reject(connectionLost(table)));
				}),
			memory: { read: async () => null, write: async () => undefined },
		});
		const specs = ['a', 'b', 'c'].map((table) => specOf({ table }));
		const ends = Promise.allSettled(specs.map((spec) => choice.ask(spec, SIGNAL)));
		const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
		await settle();
		expect(asked).toEqual(['a']);
		for (const end of open.splice(0)) end();
		await settle();
		expect(asked).toEqual(['a', 'b', 'c']);
		for (const end of open.splice(0)) end();
		expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
	});

	it('[F56] a bare 404 is the word of anybody: it holds for the session, and is not kept', async () => {
		answer = bare(404);
		expect([await choice.ask(notes, SIGNAL), await choice.ask(tasks, SIGNAL)]).toEqual([false, false]);
		expect([asked, stored]).toEqual([['notes'], undefined]);
		choice = start();
		answer = () => null;
		expect(await choice.ask(notes, SIGNAL)).toBe(true);
	});

	it('[F56] a proxy that lets nobody by on this path keeps nothing from being sent on another, this time', async () => {
		answer = bare(403);
		expect(await choice.ask(notes, SIGNAL)).toBe(false);
		answer = () => null;
		expect([await choice.ask(notes, SIGNAL), refusals()]).toEqual([true, {}]);
	});

	it('a function that fails for every row is not asked again in this session', async () => {
		answer = refused('42P17');
		expect([await choice.ask(notes, SIGNAL), await choice.ask(notes, SIGNAL)]).toEqual([false, false]);
		expect([asked, stored]).toEqual([['notes'], undefined]);
	});

	it('a later call tells that it is gone, for all tables or for one; other errors tell nothing', async () => {
		for (const spec of [notes, tasks]) await choice.ask(spec, SIGNAL);
		expect(choice.learn('notes', connectionLost('notes'))).toBe(false);
		expect(choice.isThere('notes')).toBe(true);
		expect(choice.learn('notes', refused('42P01')('notes'))).toBe(true);
		expect([choice.isThere('notes'), choice.isThere('tasks')]).toEqual([false, true]);
		const cause = refused('PGRST202')('tasks');
		const missing = new PixSyncError('rpc-missing', 'gone', { hint: '', fault: 'fatal', cause });
		expect(choice.learn('tasks', missing)).toBe(true);
		expect([choice.isThere('tasks'), await choice.ask(tasks, SIGNAL), asked.length]).toEqual([
			false,
			false,
			2,
		]);
	});

	it('what cannot be read or kept, or is of another version, is asked', async () => {
		for (const odd of [null, 7, 'x', { all: 'today', tables: 5 }, { tables: { notes: '1' } }]) {
			stored = odd;
			choice = start();
			expect(await choice.ask(notes, SIGNAL)).toBe(true);
		}
		const broken = createFunctionChoice({
			now: () => nowMs,
			question: async () => {
				throw refused('PGRST202')('notes');
			},
			memory: {
				read: () => Promise.reject(new Error('disk')),
				write: () => Promise.reject(new Error('disk')),
			},
		});
		expect(await broken.ask(notes, SIGNAL)).toBe(false);
	});
});
