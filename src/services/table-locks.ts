/** One run at a time for each table (R9): the next begins when the former's promise has ended. */
export interface TableLocks {
	run<T>(table: string, work: () => Promise<T>): Promise<T>;
	/** Whether somebody waits for the present run to end. */
	isAwaited(table: string): boolean;
}

export function createTableLocks(): TableLocks {
	const tails = new Map<string, Promise<unknown>>();
	const waiting = new Map<string, number>();
	const count = (table: string, by: number) => waiting.set(table, (waiting.get(table) ?? 0) + by);
	return {
		isAwaited: (table) => (waiting.get(table) ?? 0) > 0,

		run(table, job) {
			count(table, 1);
			const work = () => {
				count(table, -1);
				return job();
			};
			const former = tails.get(table) ?? Promise.resolve();
			const result = former.then(work, work);
			tails.set(
				table,
				result.catch(() => undefined),
			);
			return result;
		},
	};
}
