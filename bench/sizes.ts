/** Rows that the workloads take. */
export interface Sizes {
	readonly large: number;
	readonly medium: number;
	readonly small: number;
	/** How long a live query is watched with nothing else going on, ms. */
	readonly quietMs: number;
}

export const FULL: Sizes = { large: 100_000, medium: 10_000, small: 1_000, quietMs: 2_000 };
/** Shows that it runs. */
export const SHORT: Sizes = { large: 3_000, medium: 600, small: 60, quietMs: 300 };

/** `10,000` */
export function toCount(rows: number): string {
	return rows.toLocaleString('en');
}
