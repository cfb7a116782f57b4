import type { TableSpec } from '../../src/core/table-spec.ts';
import { createOwnEchoes } from '../../src/services/own-echoes.ts';
import type { Remote } from '../../src/services/remote.ts';
import type { Run } from '../../src/services/run.ts';
import type { Replica } from './replica.ts';

const unused = () => Promise.reject(new Error('no request belongs here'));
const remote: Remote = {
	isExactlyOnce: () => false,
	log: null,
	pull: unused,
	push: unused,
	fetch: unused,
	listKeys: unused,
};

/** A run of a table's services on a replica, for what asks no server. `more`: what the test says otherwise. */
export function createOfflineRun(replica: Replica, spec: TableSpec, more: Partial<Run> = {}): Run {
	return {
		spec,
		store: replica.store,
		remote,
		signal: new AbortController().signal,
		epoch: 1,
		createId: () => crypto.randomUUID(),
		dependants: [],
		referrers: [],
		now: () => replica.now,
		random: () => 0,
		clockOffset: () => 0,
		isClockSure: () => true,
		isAwaited: () => false,
		settings: {
			pageSize: 10,
			batchSize: 10,
			overlapMs: 0,
			reconcileIntervalMs: 0,
			requestTimeoutMs: 5_000,
			backoff: { baseMs: 1_000, capMs: 60_000 },
		},
		session: { reconciledAt: new Map(), echoes: createOwnEchoes(), quiet: new Set(), beginnings: new Map() },
		beginning: null,
		notify: () => undefined,
		...more,
	};
}
