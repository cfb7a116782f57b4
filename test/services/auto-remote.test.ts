import { beforeEach, describe, expect, it } from 'vitest';
import { PixSyncError } from '../../src/core/errors.ts';
import type { PushMutation, PushOutcome } from '../../src/core/mutation.ts';
import type { Remote } from '../../src/services/remote.ts';
import { createAutoRemote } from '../../src/services/rpc/auto-remote.ts';
import { createFunctionChoice, type FunctionChoice } from '../../src/services/rpc/function-choice.ts';
import { connectionLost, toRefused } from '../support/memory-errors.ts';
import { specOf } from '../support/mutations.ts';

const SIGNAL = new AbortController().signal;
const notes = specOf();
const plain: PushMutation = { kind: 'create', id: 'r', seqs: [1], base: null, stamp: '', body: { id: 'r' } };
const named: PushMutation = { ...plain, pushId: 'p' };
const missing = new PixSyncError('rpc-missing', 'none', { hint: '', fault: 'fatal' });

let pushed: string[];
let answer: () => readonly PushOutcome[];
let choice: FunctionChoice;
let remote: Remote;

function stub(name: string, isExactlyOnce: boolean): Remote {
	return {
		isExactlyOnce: () => isExactlyOnce,
		async push() {
			pushed.push(name);
			return answer();
		},
	} as Partial<Remote> as Remote;
}

function connect(rpc: Remote): void {
	choice = createFunctionChoice({
		now: () => 0,
		question: async () => void pushed.push('question'),
		memory: { read: async () => null, write: async () => undefined },
	});
	remote = createAutoRemote({ rest: stub('rest', false), rpc, choice, log: null });
}

beforeEach(() => {
	pushed = [];
	answer = () => [{ kind: 'acknowledged', row: null }];
	connect(stub('rpc', true));
});

describe("the remote of transport: 'auto'", () => {
	it('goes by REST until somebody has asked, and by RPC then', async () => {
		expect(remote.isExactlyOnce(notes)).toBe(false);
		await remote.push(notes, [plain], SIGNAL);
		await remote.prepare?.(notes, SIGNAL);
		expect(remote.isExactlyOnce(notes)).toBe(true);
		await remote.push(notes, [named], SIGNAL);
		expect(pushed).toEqual(['rest', 'question', 'rpc']);
	});

	it('a select that the function cannot tell is never asked about', async () => {
		connect(stub('rpc', false));
		await remote.prepare?.(notes, SIGNAL);
		expect([remote.isExactlyOnce(notes), pushed]).toEqual([false, []]);
	});

	it('[S2] what has a name never goes by REST: another table has found the function gone meanwhile', async () => {
		await remote.prepare?.(notes, SIGNAL);
		choice.learn('tasks', toRefused('tasks', { code: 'PGRST202', message: '' }));
		await expect(remote.push(notes, [plain, named], SIGNAL)).rejects.toMatchObject({ code: 'rpc-missing' });
		await remote.push(notes, [plain], SIGNAL);
		expect(pushed).toEqual(['question', 'rest']);
	});

	it.each([missing, toRefused('notes', { code: '42P01', message: '' })])(
		'a call that tells that the function is gone ends RPC: $code',
		async (error) => {
			await remote.prepare?.(notes, SIGNAL);
			answer = () => {
				throw error;
			};
			await expect(remote.push(notes, [named], SIGNAL)).rejects.toMatchObject({ code: 'rpc-missing' });
			expect(remote.isExactlyOnce(notes)).toBe(false);
		},
	);

	it('so does the rest of a batch of which some was taken; an error of another kind does not', async () => {
		await remote.prepare?.(notes, SIGNAL);
		answer = () => {
			throw connectionLost('notes');
		};
		await expect(remote.push(notes, [named], SIGNAL)).rejects.toMatchObject({ code: 'network' });
		expect(remote.isExactlyOnce(notes)).toBe(true);
		const outcomes: readonly PushOutcome[] = [
			{ kind: 'acknowledged', row: null },
			{ kind: 'retryable', error: missing },
		];
		answer = () => outcomes;
		expect(await remote.push(notes, [named, named], SIGNAL)).toBe(outcomes);
		expect(remote.isExactlyOnce(notes)).toBe(false);
	});
});
