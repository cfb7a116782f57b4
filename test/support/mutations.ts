import type { Mutation } from '../../src/core/mutation.ts';
import { type TableSpec, toTableSpec } from '../../src/core/table-spec.ts';
import type { Row, SyncConfig } from '../../src/core/types.ts';

export const specOf = (config: Partial<SyncConfig> = {}): TableSpec =>
	toTableSpec({ table: 'notes', ...config });

/** Mutations of row 'r' from short words: `create({…})`, `update({…})`, `remove()`; seqs in order of the list. */
export type Word = Pick<Mutation, 'action' | 'data'> & { readonly at?: number };

export const create = (data: Row, at?: number): Word => ({
	action: 'create',
	data,
	...(at === undefined ? {} : { at }),
});
export const update = (data: Row, at?: number): Word => ({
	action: 'update',
	data,
	...(at === undefined ? {} : { at }),
});
export const remove = (at?: number): Word => ({
	action: 'delete',
	data: null,
	...(at === undefined ? {} : { at }),
});

export function toMutations(...words: readonly Word[]): Mutation[] {
	return words.map(({ action, data, at }, index) => ({
		seq: index + 1,
		mutationId: `m${index + 1}`,
		table: 'notes',
		rowId: 'r',
		action,
		data,
		userId: null,
		queuedAt: at ?? index + 1,
		clockOffset: 0,
		status: 'pending',
	}));
}
