import type { Model } from './chart-paths.ts';
import type { RegionName } from './root-answers.ts';
import { checkGate, checkGateEnd, checkRun, checkSchedule } from './root-checks.ts';
import {
	createScheduleModel,
	gateModel,
	runModel,
	toGateKey,
	toRunKey,
	toScheduleKey,
} from './root-models.ts';
import type { RegionWalk } from './root-path.ts';

/** A region's model, and how its paths are walked on the whole root. */
export interface Region {
	readonly title: string;
	readonly region: RegionName;
	readonly model: Model;
	readonly walk: RegionWalk;
	readonly initial: string;
}

const gateWalk: RegionWalk = { keyOf: toGateKey, isResting: true, check: checkGate, checkEnd: checkGateEnd };
const scheduleWalk: RegionWalk = { keyOf: toScheduleKey, isResting: true, check: checkSchedule };
const runWalk: RegionWalk = { keyOf: toRunKey, isResting: false, check: checkRun };

export const REGIONS: readonly Region[] = [
	{ title: 'gate', region: 'gate', model: gateModel, walk: gateWalk, initial: 'sync.gate.hydrating' },
	{
		title: 'schedule',
		region: 'schedule',
		model: createScheduleModel({}),
		walk: scheduleWalk,
		initial: 'sync.schedule.manual',
	},
	{
		title: 'schedule without live upload',
		region: 'schedule',
		model: createScheduleModel({ liveUpload: false }),
		walk: { ...scheduleWalk, input: { liveUpload: false } },
		initial: 'sync.schedule.manual',
	},
	{ title: 'run', region: 'run', model: runModel, walk: runWalk, initial: 'sync.run.idle' },
];
