import { versionOf } from '../../src/core/table-spec.ts';
import type { Row, RowId } from '../../src/core/types.ts';
import { overTheWire } from '../support/memory-rest.ts';
import type { PushCall, PushReply } from '../support/memory-rpc.ts';
import { createMemoryServer } from '../support/memory-server.ts';
import { toServerText } from '../support/memory-table.ts';
import { claimsOf, SESSION_MS } from './sim-auth.ts';
import { parseRequest } from './sim-request.ts';
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
	/** The name by which the ledger knows it; null: it does not. */
	readonly push: string | null;
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
	/** Runs the migration of the RPC transport for these tables, which are then all; null: drops its function. */
	migrate(tables: readonly SimTable[] | null): void;
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
	/** Hears of what the push function said to a change: `applied`, `done`, `missed`, `refused`. */
	readonly pushed: (outcome: PushReply['is']) => void;
}

export function createSimServer(options: SimServerOptions): SimServer {
	const { now, schema, maxRows, written, orphaned } = options;
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

	/**
	 * Takes what the memory server has applied since into the log.
	 * @param names of those writes in the ledger, in their order.
	 */
	function note(by: string | null, userId: string | null, names: readonly (string | null)[] = []): void {
		const fresh = memory.applied.slice(seen);
		seen = memory.applied.length;
		for (const [at, { kind, table, id, row }] of fresh.entries()) {
			const key = `${table} ${id}`;
			const write: SimWrite = {
				...{ order: log.length + 1, at: now(), by, userId, kind, table: table as SimTable, id },
				...{ before: rows.get(key) ?? null, row, push: names[at] ?? null },
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

	/** The device knows these versions from now on. */
	function tell(by: string, table: string, told: readonly Row[]): void {
		const spec = specs.get(table as SimTable);
		const device = toldTo(by.split('/')[0] ?? by);
		for (const row of spec ? told : [])
			device.add(`${table} ${spec && row[spec.idField]} ${spec && versionOf(spec, row)}`);
	}

	function takePush(
		{ table, mutations }: PushCall,
		answer: unknown,
		{ by, userId }: { readonly by: string; readonly userId: string | null },
	): void {
		const replies: readonly PushReply[] = Array.isArray(answer) ? answer : [];
		const pairs = replies.map((reply, at) => ({ reply, change: mutations[at] }));
		const applied = pairs.filter(({ reply }) => reply.is === 'applied');
		note(
			by,
			userId,
			applied.map(({ change }) => change?.push ?? null),
		);
		for (const { reply, change } of pairs) {
			options.pushed(reply.is);
			if (reply.is !== 'refused') tell(by, table, reply.row ? [reply.row] : []);
			else if (change?.kind === 'create' && change.body && reply.code === '23503')
				orphaned(by, userId, [change.body]);
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
			const request = parseRequest(url, body);
			const caller = { userId, by };
			const { name, query, call, pull } = request;
			if (pull) {
				const answer = memory.rpc({ ...caller, name, body: request.body });
				const pages: readonly Row[] = Array.isArray(answer.body) ? answer.body : [];
				pages.forEach(({ rows }, at) => {
					if (Array.isArray(rows)) tell(by, pull.pulls[at]?.table ?? '', rows);
				});
				return { ...reply(answer.status, null), text: overTheWire(answer.body) };
			}
			if (call) {
				const answer = memory.rpc({ ...caller, name, body: request.body });
				takePush(call, answer.body, caller);
				return { ...reply(answer.status, null), text: overTheWire(answer.body) };
			}
			const prefer = headers.prefer ?? '';
			const answer = memory.rest({ ...caller, table: name, method, query, body: request.body, prefer });
			note(by, userId);
			const isOrphan = method === 'POST' && 'code' in answer.body && answer.body.code === '23503';
			if (isOrphan) orphaned(by, userId, request.body as Row[]);
			if (method === 'HEAD') return { ...reply(answer.status, null, answer.headers), text: '' };
			if (Array.isArray(answer.body)) tell(by, name, answer.body);
			return { ...reply(answer.status, null), text: overTheWire(answer.body) };
		},
		migrate: (tables) => memory.migrate(tables),
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
