import type { Client } from 'pg';
import type { Row, RowId } from '../../src/core/types.ts';

/** One table's answer of `pixsync_pull`. */
export interface PulledPage {
	readonly rows: readonly Row[];
	readonly gone: readonly Row[];
	readonly left: readonly Row[];
	readonly cursor: string;
	readonly more: boolean;
	readonly reset: boolean;
	readonly compare: boolean;
	readonly tellsAll: boolean;
	readonly error?: { readonly code: string; readonly message: string };
}

export interface PullAsk {
	readonly table: string;
	readonly key?: string;
	readonly stamp?: string;
	readonly columns?: readonly object[];
	readonly filter?: readonly { column: string; op: string; value: unknown }[];
	readonly cursor?: string | null;
	readonly from?: string;
}

/** As a signed-in user, or as nobody, by SQL: what PostgREST makes of a call. */
export async function asUser<T>(
	client: Client,
	user: string | null,
	work: () => Promise<T>,
	{ isReadOnly = true }: { readonly isReadOnly?: boolean } = {},
): Promise<T> {
	await client.query(isReadOnly ? 'begin read only' : 'begin');
	try {
		await client.query(`set local role ${user ? 'authenticated' : 'anon'}`);
		await client.query(`select set_config('request.jwt.claims', $1, true)`, [
			JSON.stringify(user ? { sub: user, role: 'authenticated' } : { role: 'anon' }),
		]);
		const result = await work();
		await client.query('commit');
		return result;
	} catch (error) {
		await client.query('rollback');
		throw error;
	}
}

export async function pullPages(
	client: Client,
	user: string | null,
	asks: readonly PullAsk[],
	limit = 1000,
): Promise<readonly PulledPage[]> {
	const pulls = asks.map((ask) => ({
		...{ schema: 'public', key: 'id', stamp: 'updated_at', columns: [{ column: '*' }], filter: [] },
		...ask,
	}));
	return asUser(client, user, async () => {
		const { rows } = await client.query('select public.pixsync_pull($1) as pages', [
			JSON.stringify({ limit, pulls }),
		]);
		return rows[0].pages as PulledPage[];
	});
}

export async function pullPage(
	client: Client,
	user: string | null,
	ask: PullAsk,
	limit?: number,
): Promise<PulledPage> {
	const [page] = await pullPages(client, user, [ask], limit);
	if (!page) throw new Error('No page came');
	return page;
}

/** The pages from a cursor to the head. */
export async function pullToHead(
	client: Client,
	user: string | null,
	ask: PullAsk,
	limit?: number,
): Promise<readonly PulledPage[]> {
	const pages: PulledPage[] = [];
	let cursor = ask.cursor ?? null;
	for (;;) {
		const page = await pullPage(client, user, { ...ask, cursor }, limit);
		if (page.error) throw new Error(page.error.message);
		pages.push(page);
		if (!page.more) return pages;
		if (pages.length > 200) throw new Error('The pull does not come to its head');
		cursor = page.cursor;
	}
}

export const idsOf = (rows: readonly Row[]): RowId[] => rows.map(({ id }) => id as RowId);
