import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	classifyReply,
	type FailureClass,
	faultOf,
	isAnswerOf,
	type ServerReply,
	toServerError,
} from '../../src/core/classify.ts';
import type { Fault } from '../../src/core/errors.ts';

type Case = readonly [status: number, code: string | null, failure: FailureClass];

const TABLE: readonly Case[] = [
	[408, null, 'transient'],
	[425, null, 'transient'],
	[429, null, 'transient'],
	[500, null, 'transient'],
	[502, null, 'transient'],
	[503, null, 'transient'],
	[504, null, 'transient'],
	[520, null, 'transient'],
	[530, null, 'transient'],
	[544, null, 'transient'],
	[503, 'PGRST000', 'transient'],
	[503, 'PGRST001', 'transient'],
	[503, 'PGRST002', 'transient'],
	[504, 'PGRST003', 'transient'],
	[503, '08006', 'transient'],
	[503, '53300', 'transient'],
	[500, '53400', 'transient'],
	[500, '40001', 'transient'],
	[500, '40P01', 'transient'],
	[500, '57P01', 'transient'],
	[500, '57014', 'transient'],
	[500, '55P03', 'transient'],
	[500, '25P04', 'transient'],
	[500, '25P03', 'transient'],
	[500, '55006', 'transient'],
	[400, '26000', 'transient'],
	[400, '42P05', 'transient'],
	[402, null, 'pause'],
	[540, null, 'pause'],
	[405, '25006', 'pause'],
	[401, null, 'auth'],
	[401, 'PGRST301', 'auth'],
	[401, 'PGRST302', 'auth'],
	[401, 'PGRST303', 'auth'],
	[401, '42501', 'auth'],
	[400, 'PGRST303', 'auth'],
	[409, '23505', 'unique'],
	[409, '23503', 'order'],
	[413, null, 'split'],
	[414, null, 'split'],
	[400, '22P02', 'row'],
	[400, '22007', 'row'],
	[400, '23502', 'row'],
	[400, '23514', 'row'],
	[400, '23P01', 'row'],
	[403, '42501', 'row'],
	[500, '21000', 'row'],
	[500, '54000', 'row'],
	[400, 'P0001', 'row'],
	[400, '428C9', 'row'],
	[400, '44000', 'row'],
	[500, '22000', 'row'],
	[500, '23000', 'row'],
	[500, '44000', 'row'],
	[300, null, 'foreign'],
	[304, null, 'foreign'],
	[400, null, 'foreign'],
	[403, null, 'foreign'],
	[405, null, 'foreign'],
	[409, null, 'foreign'],
	[451, null, 'foreign'],
	[400, 'APP01', 'row'],
	[404, 'PT404', 'row'],
	[404, null, 'schema'],
	[400, 'PGRST200', 'schema'],
	[404, 'PGRST202', 'schema'],
	[400, 'PGRST204', 'schema'],
	[404, 'PGRST205', 'schema'],
	[406, 'PGRST106', 'schema'],
	[404, '42P01', 'schema'],
	[400, '42703', 'schema'],
	[404, '42883', 'schema'],
	[400, '42704', 'schema'],
	[400, '3F000', 'schema'],
	[500, 'P0002', 'server-bug'],
	[500, '42P17', 'server-bug'],
	[400, '42702', 'server-bug'],
	[400, 'PGRST100', 'server-bug'],
	[500, 'PGRST300', 'server-bug'],
	[500, 'XX000', 'server-bug'],
	[400, '0A000', 'server-bug'],
	[400, 'PGRSTX00', 'server-bug'],
	// a trigger that chooses its status (`raise sqlstate 'PT402'`) is taken at its word
	[402, 'PT402', 'pause'],
	[503, 'PT503', 'transient'],
	// codes of gateways, and words that every object answers to
	[500, 'unexpected_failure', 'transient'],
	[400, 'constructor', 'foreign'],
];

const FAULTS = {
	transient: 'retryable',
	pause: 'retryable',
	auth: 'unauthorised',
	order: 'retryable',
	unique: 'rejected',
	row: 'rejected',
	split: 'retryable',
	schema: 'fatal',
	'server-bug': 'fatal',
	foreign: 'retryable',
} as const satisfies Record<FailureClass, Fault>;

function reply(status: number, code: string | null, more: Partial<ServerReply> = {}): ServerReply {
	return { status, code, message: 'no', hint: null, retryAfterMs: null, ...more };
}

describe('classifyReply', () => {
	it.each(TABLE)('[F26] [F32] [F36] status %s with code %s is %s', (status, code, failure) => {
		expect(classifyReply({ status, code })).toBe(failure);
	});

	it('[F7] every 401 is about the session, whatever its code', () => {
		fc.assert(fc.property(fc.string(), (code) => classifyReply({ status: 401, code }) === 'auth'));
	});

	it('[F35] a row is given up for no 5xx without a code', () => {
		fc.assert(
			fc.property(fc.integer({ min: 500, max: 599 }), (status) => {
				expect(faultOf(classifyReply({ status, code: null }))).toBe('retryable');
			}),
		);
	});
});

describe('isAnswerOf', () => {
	it('[F28] a coded refusal is an answer, a bare proxy error is not', () => {
		expect(
			[408, 425, 429, 500, 502, 503, 504, 520, 544].map((status) => isAnswerOf(status, null)),
		).not.toContain(true);
		expect(isAnswerOf(503, 'bad_gateway')).toBe(false);
		expect(isAnswerOf(500, '57014')).toBe(true);
		expect(isAnswerOf(500, '40001')).toBe(true);
		expect(isAnswerOf(503, 'PGRST002')).toBe(true);
		expect([200, 201, 400, 401, 403, 404, 409, 413, 414].every((status) => isAnswerOf(status, null))).toBe(
			true,
		);
	});

	it('[F28] a database connection lost under way leaves the outcome open', () => {
		expect(['08006', '40003', 'PGRST001'].map((code) => isAnswerOf(503, code))).toEqual([
			false,
			false,
			false,
		]);
	});
});

describe('toServerError', () => {
	it.each(TABLE)('[R8] status %s with code %s carries the fault of %s', (status, code, failure) => {
		const error = toServerError(reply(status, code), 'notes');
		const fault = FAULTS[failure];
		expect(error.fault).toBe(isAnswerOf(status, code) ? fault : 'no-answer');
		expect(error.hint).not.toBe('');
		expect(error.table).toBe('notes');
	});

	it('[R8] keeps the server code, message and hint, and the reply as its cause', () => {
		const from = reply(400, 'P0001', { message: 'too late', hint: 'Ask sooner.' });
		const error = toServerError(from, 'notes');
		expect(error).toMatchObject({ code: 'P0001', message: 'too late', cause: from });
		expect(error.hint).toContain('Ask sooner.');
		expect(error.retryAfterMs).toBeUndefined();
	});

	it('[F38] names a bare status and keeps Retry-After', () => {
		const error = toServerError(reply(429, null, { message: '', retryAfterMs: 2_000 }), 'notes');
		expect(error).toMatchObject({ code: 'http-429', message: 'HTTP status 429', retryAfterMs: 2_000 });
		expect(toServerError(reply(503, '', { message: null }), 't').code).toBe('http-503');
	});
});
