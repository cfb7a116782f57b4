import { PixSyncError } from '../../core/errors.ts';
import type { TableSpec } from '../../core/table-spec.ts';
import type { ChangeLog, Remote } from '../remote.ts';
import type { FunctionChoice } from './function-choice.ts';

export interface AutoRemoteOptions {
	readonly rest: Remote;
	readonly rpc: Remote;
	/** Whether a table's changes may go by RPC. */
	readonly choice: FunctionChoice;
	/** How it is pulled by the server's log, where it is. */
	readonly log: ChangeLog | null;
}

/**
 * `transport: 'auto'`: changes go by RPC where the project is known to have its function, else by REST. Nobody asks
 * but `prepare`.
 *
 * The RPC client is loaded with the rest, and not when it is wanted: it is 1.2 kB min+gzip, and a chunk of its own may
 * fail to load where everything else is there, offline or after a new deployment of the app. What then goes by REST
 * loses its name in the ledger; and many apps answer a chunk that is missing by reloading the page.
 */
export function createAutoRemote({ rest, rpc, choice, log }: AutoRemoteOptions): Remote {
	const isByRpc = (spec: TableSpec) => rpc.isExactlyOnce(spec) && choice.isThere(spec.table);
	return {
		...rest,
		log,
		isExactlyOnce: isByRpc,
		async prepare(spec, signal) {
			if (rpc.isExactlyOnce(spec)) await choice.ask(spec, signal);
		},
		async push(spec, mutations, signal) {
			if (!isByRpc(spec)) {
				// Another table has just found the function gone: what has a name must lose it first.
				if (mutations.some(({ pushId }) => pushId !== undefined)) throw gone(spec);
				return rest.push(spec, mutations, signal);
			}
			try {
				const outcomes = await rpc.push(spec, mutations, signal);
				// The rest of a batch of which some is known.
				for (const outcome of outcomes) {
					if (outcome.kind === 'retryable' && outcome.error.code === 'rpc-missing')
						choice.learn(spec.table, outcome.error);
				}
				return outcomes;
			} catch (error) {
				throw choice.learn(spec.table, error) ? gone(spec, error) : error;
			}
		},
	};
}

function gone({ table }: TableSpec, cause?: unknown): PixSyncError {
	return new PixSyncError('rpc-missing', 'The function pixsync_push does not take this table any more', {
		fault: 'fatal',
		table,
		cause,
		hint: 'Nothing to do: its changes go by REST.',
	});
}
