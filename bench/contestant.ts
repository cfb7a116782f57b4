/** What a workload asks of whoever takes part; each has a database of its own, and the same rows. */
export interface Contestant {
	/** Opens the local data, new or kept, and reads one row of it, if there is one. */
	open(): Promise<void>;
	/** Brings everything new down. @returns how many rows are held. */
	download(): Promise<number>;
	/** Queues creates, durably, in one call. */
	createMany(rows: readonly NewRow[]): Promise<void>;
	/** Queues a change of each row, durably, in one call. */
	updateMany(ids: readonly string[], n: number): Promise<void>;
	/** Queues a change of one row, durably. */
	updateOne(id: string, n: number): Promise<void>;
	/** Sends what is queued. @returns how many changes the server has taken. */
	upload(): Promise<number>;
	close(): Promise<void>;
}

export interface NewRow {
	readonly id: string;
	readonly [column: string]: unknown;
}
