/** One run at a time for each table (R9): the next begins when the former's promise has ended. */
export interface TableLocks {
	run<T>(table: string, work: () => Promise<T>): Promise<T>;
}

export function createTableLocks(): TableLocks {
	const tails = new Map<string, Promise<unknown>>();
	return {
		run(table, work) {
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
