import type { Measure } from './player.ts';

/** Whoever could not go through with a workload, and why. */
export interface Failure {
	readonly workload: string;
	readonly contestant: string;
	readonly reason: string;
}

/** What was measured and what could not be, by row and contestant. */
export interface Results {
	/** In the order in which they were measured first. */
	readonly rows: readonly string[];
	record(row: string, contestant: string, measure: Measure, workload: string): void;
	/** The contestant could not go through with it. */
	fail(workload: string, contestant: string, reason: string): void;
	hasFailed(workload: string, contestant: string): boolean;
	/** null: not measured. */
	median(row: string, contestant: string): number | null;
	unit(row: string): 'ms' | 'MB';
	/** See {@link Measure.isAbsolute}. */
	isAbsolute(row: string): boolean;
	/** Of the last round. */
	last(row: string, contestant: string): Measure | undefined;
	/** Why a contestant has nothing in a row; null: it did not take part. */
	reason(row: string, contestant: string): string | null;
	readonly failures: readonly Failure[];
}

export function createResults(): Results {
	const measures = new Map<string, Map<string, Measure[]>>();
	const workloads = new Map<string, string>();
	const failures = new Map<string, Failure>();

	const firstOf = (row: string) => [...(measures.get(row)?.values() ?? [])][0]?.[0];

	return {
		get rows() {
			return [...measures.keys()];
		},
		record(row, contestant, measure, workload) {
			const ofRow = measures.get(row) ?? new Map<string, Measure[]>();
			measures.set(row, ofRow.set(contestant, [...(ofRow.get(contestant) ?? []), measure]));
			workloads.set(row, workload);
		},
		fail(workload, contestant, reason) {
			failures.set(`${workload}/${contestant}`, { workload, contestant, reason });
		},
		hasFailed: (workload, contestant) => failures.has(`${workload}/${contestant}`),
		median(row, contestant) {
			const values = measures
				.get(row)
				?.get(contestant)
				?.map(({ value }) => value);
			return values ? medianOf(values) : null;
		},
		unit: (row) => firstOf(row)?.unit ?? 'ms',
		isAbsolute: (row) => firstOf(row)?.isAbsolute ?? false,
		last: (row, contestant) => measures.get(row)?.get(contestant)?.at(-1),
		reason: (row, contestant) => failures.get(`${workloads.get(row)}/${contestant}`)?.reason ?? null,
		get failures() {
			return [...failures.values()];
		},
	};
}

function medianOf(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	const [low = 0, high = 0] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
	return (low + high) / 2;
}
