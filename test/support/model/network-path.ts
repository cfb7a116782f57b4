import { expect } from 'vitest';
import { type ModelPath, pathsOf } from './chart-paths.ts';
import { checkEnd, checkLateEnds, checkStart, takeStep } from './network-checks.ts';
import { openLedger } from './network-ledger.ts';
import {
	canHappen,
	createNetworkModel,
	NETWORK_STARTS,
	type NetworkEventName,
	type NetworkHost,
	type NetworkStart,
	toNetworkKey,
} from './network-model.ts';
import { type RunOptions, startNetworkRun } from './network-run.ts';

export interface NetworkPath extends ModelPath {
	readonly host: NetworkHost;
	readonly start: NetworkStart;
}

/** The paths from every start, as far as this host can bring them about. */
export function networkPathsOf(host: NetworkHost): readonly NetworkPath[] {
	return Object.entries(NETWORK_STARTS).flatMap(([name, start]) =>
		pathsOf(createNetworkModel(start, host)).map(({ steps, title }) => ({
			host,
			start,
			steps,
			title: `${name}: ${title}`,
		})),
	);
}

/** Whether something happens on it that the monitor cannot bring about. */
export function needsApp({ start, steps }: NetworkPath): boolean {
	return steps.some(({ event }, at) => {
		const { canProbe } = steps[at - 1]?.state.context ?? start;
		return !canHappen(event.as as NetworkEventName, 'monitor', canProbe);
	});
}

/**
 * Walks a path at its host; throws where anything that can be seen is not as it should be. Resolves to the number of
 * aborted probes that answered late, at its end, and changed nothing.
 */
export async function walkNetworkPath(path: NetworkPath, options: RunOptions = {}): Promise<number> {
	const run = startNetworkRun(path.host, path.start, options);
	try {
		let ledger = openLedger(path.start);
		checkStart(run, ledger);
		for (const { event, state } of path.steps) {
			ledger = await takeStep(run, event.as as NetworkEventName, ledger);
			expect(toNetworkKey(run.snapshot), event.as).toBe(toNetworkKey(state));
		}
		const late = await checkLateEnds(run, path.host);
		checkEnd(run);
		return late;
	} finally {
		run.host.stop();
	}
}
