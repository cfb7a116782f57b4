import { expect } from 'vitest';
import type { AnyMachineSnapshot, InspectionEvent } from 'xstate';
import type { syncMachine } from '../../../src/machines/sync.machine.ts';
import type { SyncInput } from '../../../src/machines/sync-protocol.ts';
import type { ModelPath } from './chart-paths.ts';
import { observeRoot, type RootObserved } from './root-checks.ts';
import type { RootEventName } from './root-events.ts';
import { type RootRun, startRootRun } from './root-run.ts';

export interface RegionWalk {
	readonly input?: SyncInput;
	readonly keyOf: (state: AnyMachineSnapshot) => string;
	readonly isResting: boolean;
	readonly check: (event: RootEventName, before: RootObserved, after: RootObserved, run: RootRun) => void;
	readonly checkEnd?: (run: RootRun) => Promise<void>;
	/** @default the shipping chart */
	readonly chart?: typeof syncMachine;
	readonly inspect?: (event: InspectionEvent) => void;
}

/** Walks a region's path on the whole root with its table and real services. */
export async function walkRootPath({ steps }: ModelPath, walk: RegionWalk): Promise<void> {
	const { input, chart, inspect, isResting } = walk;
	const run = await startRootRun({
		isResting,
		inspect,
		...(input ? { input } : {}),
		...(chart ? { chart } : {}),
	});
	const names = steps.map(({ event }) => event.as as RootEventName);
	try {
		for (const [at, event] of names.entries()) {
			const before = await observeRoot(run);
			await run.perform(event, names.slice(at + 1));
			const after = await observeRoot(run);
			const sofar = names.slice(0, at + 1).join(' → ');
			expect(walk.keyOf(run.actor.getSnapshot()), sofar).toBe(
				walk.keyOf(steps[at]?.state as AnyMachineSnapshot),
			);
			walk.check(event, before, after, run);
		}
		await walk.checkEnd?.(run);
	} finally {
		run.close();
	}
}
