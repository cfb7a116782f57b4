import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPixSyncError } from '../../src/core/errors.ts';
import { ancestorsOf, type Dependencies, dependantsOf, topologicalOrder } from '../../src/core/topology.ts';

function deps(of: Record<string, string[]>): Dependencies {
	return new Map(Object.entries(of));
}

function errorOf(tables: Dependencies): { code: string; message: string } {
	try {
		topologicalOrder(tables);
	} catch (error) {
		if (isPixSyncError(error)) return error;
	}
	throw new Error('no PixSyncError was thrown');
}

/** Tables t0…tn with edges to lower numbers only, registered in any order. */
const acyclic: fc.Arbitrary<Dependencies> = fc
	.integer({ min: 0, max: 9 })
	.chain((count) =>
		fc.tuple(...Array.from({ length: count }, (_, index) => fc.uniqueArray(fc.nat(index), { maxLength: 4 }))),
	)
	.map((parents) =>
		parents.map((list, index) => [`t${index}`, list.map((parent) => `t${parent}`)] as [string, string[]]),
	)
	.chain((entries) => fc.shuffledSubarray(entries, { minLength: entries.length }))
	.map((entries) => new Map(entries));

describe('topologicalOrder', () => {
	it('[R14] puts every table once and after its parents', () => {
		fc.assert(
			fc.property(acyclic, (tables) => {
				const order = topologicalOrder(tables);
				expect([...order].sort()).toEqual([...tables.keys()].sort());
				for (const [table, parents] of tables) {
					for (const parent of parents) {
						if (parent !== table) expect(order.indexOf(parent)).toBeLessThan(order.indexOf(table));
					}
				}
			}),
		);
	});

	it('[R14] changes no order that is right already', () => {
		fc.assert(
			fc.property(acyclic, (tables) => {
				const order = topologicalOrder(tables);
				const sorted = new Map(order.map((table) => [table, tables.get(table) ?? []]));
				expect(topologicalOrder(sorted)).toEqual(order);
			}),
		);
		expect(topologicalOrder(deps({ c: ['a'], b: [], a: [] }))).toEqual(['a', 'c', 'b']);
	});

	it('[R14] a table may name itself', () => {
		expect(topologicalOrder(deps({ folders: ['folders'] }))).toEqual(['folders']);
	});

	it('[R14] names the cycle, without the way to it', () => {
		const error = errorOf(deps({ x: ['a'], a: ['b'], b: ['a'] }));
		expect(error.code).toBe('cyclic-dependency');
		expect(error.message).toContain(': a → b → a');
	});

	it('[R14] names an unregistered parent', () => {
		const error = errorOf(deps({ a: ['ghost'] }));
		expect(error).toMatchObject({ code: 'unregistered-table', table: 'a' });
		expect(error.message).toContain('ghost');
	});
});

describe('relatives', () => {
	const tables = deps({ org: [], user: ['org'], note: ['user', 'note'], tag: ['org', 'note'] });

	it('[R14] ancestors are all that must be there before, not the table itself', () => {
		expect(ancestorsOf('tag', tables)).toEqual(['org', 'note', 'user']);
		expect(ancestorsOf('note', tables)).toEqual(['user', 'org']);
		expect(ancestorsOf('org', tables)).toEqual([]);
		expect(ancestorsOf('a', deps({ a: ['b'], b: ['a'] }))).toEqual(['b']);
	});

	it('[R14] dependants are the tables that name it', () => {
		expect(dependantsOf('org', tables)).toEqual(['user', 'tag']);
		expect(dependantsOf('note', tables)).toEqual(['tag']);
	});
});
