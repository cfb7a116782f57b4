import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PushMutation } from '../../src/core/mutation.ts';
import type { Row } from '../../src/core/types.ts';
import { pairEchoes } from '../../src/services/rest/pair-echoes.ts';
import { specOf } from '../support/mutations.ts';

const spec = specOf({ table: 'taps', ids: 'server' });

const create = (title: string, at: number): PushMutation => ({
	kind: 'create',
	id: `provisional ${at}`,
	seqs: [at],
	base: null,
	stamp: '2026-01-01T00:00:00Z',
	body: { title, updated_at: '2026-01-01T00:00:00Z' },
});

const echo = ({ body }: PushMutation, id: number): Row => ({
	...body,
	id,
	updated_at: '2026-02-02T00:00:00Z',
});

describe('[R3] which inserted row is whose', () => {
	it('each gets a row of its own content, whatever the order of the answer', () => {
		const shuffledTitles = fc
			.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 12 })
			.chain((titles) =>
				fc.tuple(fc.constant(titles), fc.shuffledSubarray([...titles.keys()], { minLength: titles.length })),
			);
		fc.assert(
			fc.property(shuffledTitles, ([titles, order]) => {
				const batch = titles.map(create);
				const rows = order.map((at, id) => echo(batch[at] as PushMutation, id));
				const pairs = pairEchoes(spec, batch, rows);
				expect(batch.map((mutation) => pairs.get(mutation)?.title)).toEqual(titles);
				expect(new Set([...pairs.values()].map(({ id }) => id)).size).toBe(titles.length);
			}),
		);
	});

	it('rows that a trigger has changed follow in order, those that it has not by their content', () => {
		const batch = ['A', 'b', 'C'].map(create);
		const rows = [echo(create('b', 9), 1), echo(create('a', 9), 2), echo(create('c', 9), 3)];
		const pairs = pairEchoes(spec, batch, rows);
		expect(batch.map((mutation) => pairs.get(mutation)?.id)).toEqual([2, 1, 3]);
	});

	it('a row that did not come back leaves its mutation open, and is nobody else’s', () => {
		const batch = ['a', 'b', 'c'].map(create);
		const rows = [echo(create('x', 9), 1), echo(create('c', 9), 2)];
		const pairs = pairEchoes(spec, batch, rows);
		expect(batch.map((mutation) => pairs.get(mutation)?.id)).toEqual([undefined, undefined, 2]);
	});
});
