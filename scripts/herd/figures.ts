import type { HerdOptions, HerdRun } from './herd.ts';
import { peak, sum, toRequests, toSecond } from './meter.ts';
import { TROUBLE } from './scenarios.ts';

/** One run in numbers. Rates are requests a second of a herd of `perDevices`. */
export interface Figures {
	readonly downMean: number;
	/** Of one second. */
	readonly downPeak: number;
	/** Of one second within the first ten after the mark. */
	readonly returnPeak: number;
	/** null: not before the end. */
	readonly syncedS: number | null;
	/** From the trouble's begin to the end of the run. */
	readonly perDevice: number;
	/** Of the requests after the mark. */
	readonly refusedShare: number;
	/** Of the last minute. */
	readonly endMean: number;
}

/** What is counted as "right after". */
const RETURN_S = 10;

/** @param perDevices rates are scaled to a herd of this size. */
export function toFigures(run: HerdRun, { devices, endAt }: HerdOptions, perDevices: number): Figures {
	const requests = toRequests(run.meter);
	const scale = perDevices / devices;
	const from = toSecond(TROUBLE.from);
	const mark = toSecond(TROUBLE.until);
	const end = toSecond(endAt);
	const down = requests.slice(from, mark);
	const after = sum(requests.slice(mark, end));
	return {
		downMean: (sum(down) / down.length) * scale,
		downPeak: peak(down) * scale,
		returnPeak: peak(requests.slice(mark, mark + RETURN_S)) * scale,
		syncedS: run.syncedMs === null ? null : run.syncedMs / 1_000,
		perDevice: sum(requests.slice(from, end)) / devices,
		refusedShare: after === 0 ? 0 : sum(run.meter.refused.slice(mark, end)) / after,
		endMean: (sum(requests.slice(end - 60, end)) / 60) * scale,
	};
}
