import { connectionLost, sessionRefused } from '../support/memory-errors.ts';
import type { RemoteHooks } from '../support/memory-remote.ts';
import { createMemoryServer } from '../support/memory-server.ts';
import { toServerText } from '../support/memory-table.ts';
import { CONTRACT_TABLE_NAMES, CONTRACT_TABLES } from './contract-tables.ts';
import type { RemoteBackend } from './remote-backend.ts';

const START_MS = Date.parse('2026-01-02T03:04:05Z');

export function startMemoryBackend(): Promise<RemoteBackend> {
	let nowMs = START_MS;
	const start = () =>
		createMemoryServer({
			now: () => nowMs,
			tables: CONTRACT_TABLE_NAMES.map((name) => CONTRACT_TABLES[name].memory),
		});
	let server = start();
	let losses: { readonly what: 'request' | 'reply'; readonly kind: string }[] = [];
	let delayMs = 0;
	let isRefusing = false;
	let onHang: (() => void) | null = null;

	const loseIf = (what: 'request' | 'reply', kind: string, table: string) => {
		const loss = losses.find((one) => one.kind === kind);
		if (loss?.what !== what) return;
		losses = losses.filter((one) => one !== loss);
		throw connectionLost(table);
	};
	const hooks: RemoteHooks = {
		before({ table }) {
			nowMs += delayMs;
			delayMs = 0;
			if (isRefusing) throw sessionRefused(table);
			if (!onHang) return;
			onHang();
			onHang = null;
			return new Promise<void>(() => undefined);
		},
		beforeStatement: ({ table }, { kind }) => loseIf('request', kind, table),
		afterStatement: ({ table }, { kind }) => loseIf('reply', kind, table),
	};

	return Promise.resolve({
		connect: () => server.connect(hooks),
		now: async () => toServerText(BigInt(nowMs) * 1000n),
		put: async (table, row, stampedAt) =>
			server.put(table, row, stampedAt === undefined ? {} : { stampedAt }),
		patch: async (table, id, changes) => server.patch(table, id, changes),
		async remove(table, id) {
			server.remove(table, id);
		},
		rows: async (table) => server.rows(table),
		async setMaxRows(rows) {
			server.setMaxRows(rows);
		},
		loseNext(what, kind) {
			losses.push({ what, kind });
		},
		hangNext: () =>
			new Promise<void>((resolve) => {
				onHang = resolve;
			}),
		delayNext(ms) {
			delayMs = ms;
		},
		refuseSessions(isOn) {
			isRefusing = isOn;
		},
		async reset() {
			losses = [];
			delayMs = 0;
			isRefusing = false;
			onHang = null;
			server = start();
		},
		stop: () => Promise.resolve(),
	});
}
