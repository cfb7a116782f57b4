/** What a workload asks of whoever takes part; each has a database of its own, and the same rows. */
export interface Contestant {
	/** Opens the local data, new or kept, and reads one row of it, if there is one. */
	open(): Promise<void>;
	/** Brings everything new down. */
	download(): Promise<void>;
	/** How many rows are held. */
	count(): Promise<number>;
	/** A row as it is held. */
	read(id: string): Promise<Readonly<Record<string, unknown>> | undefined>;
	/** Queues creates, durably, in one call. */
	createMany(rows: readonly NewRow[]): Promise<void>;
	/** Queues a change of each row, durably, in one call. */
	updateMany(ids: readonly string[], n: number): Promise<void>;
	/** Queues a change of one row, durably. */
	updateOne(id: string, n: number): Promise<void>;
	/** Sends what is queued. */
	upload(): Promise<void>;
	close(): Promise<void>;
	/**
	 * While the work runs: creates one row after the other, each when a live query has told of the one before.
	 * @returns by row, ms from the call that creates it to the query's telling of it.
	 */
	watch?(work: Promise<unknown>): Promise<readonly number[]>;
}

export interface NewRow {
	readonly id: string;
	readonly [column: string]: unknown;
}

/** Where a contestant finds what is its own. */
export interface Site {
	/** The project's. */
	readonly url: string;
	readonly key: string;
	/** What the names of its databases begin with. */
	readonly databaseName: string;
}

export type CreateContestant = (site: Site) => Contestant;
