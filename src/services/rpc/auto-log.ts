import type { ChangeLog } from '../remote.ts';
import { type ChoiceMemory, createFunctionChoice, type FunctionChoice } from './function-choice.ts';

export interface AutoLogOptions {
	readonly log: ChangeLog;
	/** Whether a table's changes may go by RPC. */
	readonly push: FunctionChoice;
	/** Of what is known of the pull function. */
	readonly memory: ChoiceMemory;
	/** Device ms. */
	readonly now: () => number;
}

/**
 * The server's log under `transport: 'auto'`. Only a project that is known to have the push function is asked for this
 * one, so that nobody else's console shows a red line for it. What was found is believed in later sessions, too: a
 * table that was pulled by timestamps in between would have its ids compared at each change.
 */
export function createAutoLog({ log, push, memory, now }: AutoLogOptions): ChangeLog {
	const choice = createFunctionChoice({
		question: async (spec, signal) => {
			await log.pull({ spec, cursor: null, from: null, limit: 1 }, signal);
		},
		...{ memory, now, trustsMemory: true },
	});
	return {
		covers: (spec) => log.covers(spec) && choice.isThere(spec.table),
		async prepare(spec, signal) {
			if (log.covers(spec) && (await push.wasThere(spec.table))) await choice.ask(spec, signal);
		},
		async pull(request, signal) {
			try {
				return await log.pull(request, signal);
			} catch (error) {
				choice.learn(request.spec.table, error);
				throw error;
			}
		},
	};
}
