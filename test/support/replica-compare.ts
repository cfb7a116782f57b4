import { isDeepStrictEqual } from 'node:util';
import type { Device } from './device.ts';
import type { Supabase } from './supabase/index.ts';

/** Rows by id. */
export type RowsById = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** Every row of a table as PostgREST tells it: timestamps are text. Tombstones included. */
export async function readServer(supabase: Supabase, table: string): Promise<RowsById> {
	const rows: Record<string, unknown>[] = [];
	for (;;) {
		const reply = await fetch(`${supabase.url}/rest/v1/${table}?order=id&offset=${rows.length}`, {
			headers: {
				apikey: supabase.serviceKey,
				authorization: `Bearer ${supabase.serviceKey}`,
				prefer: 'timezone=UTC',
			},
		});
		if (!reply.ok) throw new Error(`${table}: HTTP ${reply.status} ${await reply.text()}`);
		const page = (await reply.json()) as Record<string, unknown>[];
		rows.push(...page);
		if (page.length === 0) return byId(rows);
	}
}

/** The rows without the soft-deleted ones: what a replica shows. */
export function liveRows(rows: RowsById): RowsById {
	return new Map([...rows].filter(([, row]) => (row.deleted_at ?? null) === null));
}

export async function readReplica(device: Device, table: string): Promise<RowsById> {
	return byId(await device.sync.table<Record<string, unknown>>(table).toArray());
}

/** One line for each row that differs; none: the two hold the same, column by column. */
export function differences(
	name: string,
	held: RowsById,
	wantedName: string,
	wanted: RowsById,
): readonly string[] {
	const lines: string[] = [];
	for (const id of new Set([...held.keys(), ...wanted.keys()])) {
		const [a, b] = [held.get(id), wanted.get(id)];
		if (!a) lines.push(`${id}: missing in ${name}, ${wantedName} has ${JSON.stringify(b)}`);
		else if (!b) lines.push(`${id}: ${name} has ${JSON.stringify(a)}, missing in ${wantedName}`);
		else {
			const columns = [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
				(column) => !isDeepStrictEqual(a[column], b[column]),
			);
			for (const column of columns) {
				const [left, right] = [JSON.stringify(a[column]), JSON.stringify(b[column])];
				lines.push(`${id}.${column}: ${name} ${left}, ${wantedName} ${right}`);
			}
		}
	}
	return lines;
}

function byId(rows: readonly Record<string, unknown>[]): RowsById {
	return new Map(rows.map((row) => [String(row.id), row]));
}
