import { expectTypeOf, it } from 'vitest';
import type { ConflictRecord, Row, RowState } from '../../src/index.ts';
import { useConflicts, useLiveRows, useRow, useRowState, useSyncStatus } from '../../src/react/index.ts';

interface Note {
	id: string;
	title: string;
}

it('hooks are typed by the row', () => {
	expectTypeOf(useLiveRows<Note>('notes')).toEqualTypeOf<readonly Note[] | undefined>();
	expectTypeOf(useLiveRows('notes')).toEqualTypeOf<readonly Row[] | undefined>();
	expectTypeOf(useLiveRows<Note>('notes', (rows) => rows.where('title').equals('x'))).toEqualTypeOf<
		readonly Note[] | undefined
	>();
	expectTypeOf(
		useLiveRows<Note, string>('notes', async (rows) => (await rows.toArray()).map(({ title }) => title)),
	).toEqualTypeOf<readonly string[] | undefined>();
	// @ts-expect-error a row of another type
	useLiveRows<Note>('notes', (rows) => rows.filter((row) => row.titel === ''));
	expectTypeOf(useRow<Note>('notes', 1)).toEqualTypeOf<Note | null | undefined>();
	expectTypeOf(useRowState('notes', 'a')).toEqualTypeOf<RowState | undefined>();
	expectTypeOf(useConflicts<Note>().conflicts).toEqualTypeOf<readonly ConflictRecord<Note>[]>();
	expectTypeOf(useSyncStatus().status).toExtend<string>();
	expectTypeOf(useSyncStatus().pending).toBeNumber();
});
