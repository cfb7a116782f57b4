import { versionOf } from '../../src/core/table-spec.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import { overTheWire } from '../support/memory-rest.ts';
import { createMemoryServer } from '../support/memory-server.ts';
import { toServerText } from '../support/memory-table.ts';
import { claimsOf, SESSION_MS } from './sim-auth.ts';
import { definitionsOf, POLICIES, type SimSchema, type SimTable } from './sim-schema.ts';

/** One row that was really written, with all that the invariants ask about it. */
export interface SimWrite {
	readonly order: number;
	/** Server ms of the commit. */
	readonly at: number;
	/** `device/tab`; null: a direct write of the program's. */
	readonly by: string | null;
	readonly userId: string | null;
	readonly kind: 'create' | 'update' | 'delete';
	readonly table: SimTable;
	readonly id: RowId;
	readonly before: Row | null;
	readonly row: Row | null;
}

export interface SimRequest {
	readonly url: string;
	readonly method: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string | null;
	/** `device/tab`. */
	readonly by: string;
}

export interface SimReply {
	readonly status: number;
	readonly text: string;
	readonly headers: Readonly<Record<string, string>>;
}

/** The server of a simulated world: data, log and sessions. Answers at once; delays and losses are the network's. */
export interface SimServer {
	/** Ends all sessions of before, without telling the devices. */
	revoke(): void;
	/** While true, every request is answered with 503. */
	isDown: boolean;
	readonly log: readonly SimWrite[];
	/** Requests that arrived. */
	readonly arrivals: number;
	handle(request: SimRequest): SimReply;
	put(table: SimTable, row: Row, stampedAt?: string): void;
	patch(table: SimTable, id: RowId, changes: Row): void;
	remove(table: SimTable, id: RowId): void;
	rows(table: SimTable): readonly Row[];
	row(table: SimTable, id: RowId): Row | null;
	/** The timestamp that a transaction which begins now would give. */
	stamp(): string;
	/** All states that a row was ever in, by version. */
	states(table: SimTable, id: RowId): ReadonlyMap<string, Row>;
	/** Versions that the device was told of, or wrote: `table id version`. */
	told(device: string): ReadonlySet<string>;
}

export interface SimServerOptions {
	/** Server ms. */
	readonly now: () => number;
	readonly schema: SimSchema;
	readonly maxRows: number;
	/** Hears of each write as it is committed. */
	readonly written: (write: SimWrite) => void;
	/** Hears of rows of an insert that a foreign key refused. */
	readonly orphaned: (by: string, userId: string | null, rows: readonly Row[]) => void;
}

export function createSimServer({ now, schema, maxRows, written, orphaned }: SimServerOptions): SimServer {
	const definitions = definitionsOf(schema);
	const specs = new Map(definitions.map(({ spec }) => [spec.table as SimTable, spec]));
	const memory = createMemoryServer({ now, tables: definitions, maxRows, policies: POLICIES });
	const log: SimWrite[] = [];
	const rows = new Map<string, Row>();
	const states = new Map<string, Map<string, Row>>();
	const told = new Map<string, Set<string>>();
	let seen = 0;
	let arrivals = 0;
	let revokedAt = 0;

	function toldTo(device: string): Set<string> {
		const known = told.get(device) ?? new Set<string>();
		told.set(device, known);
		return known;
	}

	/** Takes what the memory server has applied since into the log. */
	function note(by: string | null, userId: string | null): void {
		const fresh = memory.applied.slice(seen);
		seen = memory.applied.length;
		for (const { kind, table, id, row } of fresh) {
			const key = `${table} ${id}`;
			const write: SimWrite = {
				...{ order: log.length + 1, at: now(), by, userId, kind, table: table as SimTable, id },
				...{ before: rows.get(key) ?? null, row },
			};
			log.push(write);
			if (row) rows.set(key, row);
			else rows.delete(key);
			const spec = specs.get(write.table);
			if (row && spec) {
				const versions = states.get(key) ?? new Map<string, Row>();
				states.set(key, versions);
				versions.set(versionOf(spec, row) ?? '', row);
			}
			written(write);
		}
	}

	function identify(headers: SimRequest['headers']): string | null | undefined {
		const token = headers.authorization?.replace(/^Bearer /, '') ?? '';
		if (token === 'anon-key') return null;
		const { sub, exp } = claimsOf(token);
		const issuedAt = exp * 1000 - SESSION_MS;
		return exp * 1000 < now() || issuedAt < revokedAt ? undefined : sub;
	}

	function reply(status: number, body: unknown, headers: Record<string, string> = {}): SimReply {
		const date = new Date(Math.floor(now() / 1000) * 1000).toUTCString();
		return { status, text: JSON.stringify(body), headers: { date, ...headers } };
	}

	return {
		isDown: false,
		revoke() {
			// Tokens tell whole seconds.
			revokedAt = now() - 1_000;
		},
		log,
		get arrivals() {
			return arrivals;
		},
		handle({ url, method, headers, body, by }) {
			arrivals++;
			if (this.isDown) return reply(503, { message: 'no upstream' });
			const userId = identify(headers);
			if (userId === undefined) return reply(401, { code: 'PGRST301', message: 'JWT expired' });
			const { pathname, searchParams } = new URL(url);
			const table = decodeURIComponent(pathname.split('/').at(-1) ?? '') as SimTable;
			const answer = memory.rest({
				...{ table, method, query: searchParams, userId, by },
				prefer: headers.prefer ?? '',
				...(body === null ? {} : { body: JSON.parse(body) }),
			});
			note(by, userId);
			const isOrphan = method === 'POST' && 'code' in answer.body && answer.body.code === '23503';
			if (isOrphan && body !== null) orphaned(by, userId, JSON.parse(body) as Row[]);
			const spec = specs.get(table);
			if (spec && Array.isArray(answer.body)) {
				const device = toldTo(by.split('/')[0] ?? by);
				for (const row of answer.body as Row[])
					device.add(`${table} ${row[spec.idField]} ${versionOf(spec, row)}`);
			}
			return { ...reply(answer.status, null), text: overTheWire(answer.body) };
		},
		put(table, row, stampedAt) {
			memory.put(table, row, stampedAt === undefined ? {} : { stampedAt });
			note(null, null);
		},
		patch(table, id, changes) {
			memory.patch(table, id, changes);
			note(null, null);
		},
		remove(table, id) {
			memory.remove(table, id);
			note(null, null);
		},
		rows: (table) => memory.rows(table),
		row: (table, id) => rows.get(`${table} ${id}`) ?? null,
		stamp: () => toServerText(BigInt(now()) * 1000n),
		states: (table, id) => states.get(`${table} ${id}`) ?? new Map(),
		told: toldTo,
	};
}
