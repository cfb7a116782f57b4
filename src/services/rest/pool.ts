/** Runs `work` over all items, at most `width` at a time. The first rejection stops the rest from starting. */
export async function runPool<T>(
	items: readonly T[],
	width: number,
	work: (item: T) => Promise<void>,
): Promise<void> {
	let next = 0;
	let isStopped = false;
	async function worker(): Promise<void> {
		while (!isStopped) {
			const item = items[next++];
			if (item === undefined) return;
			try {
				await work(item);
			} catch (error) {
				isStopped = true;
				throw error;
			}
		}
	}
	const ends = await Promise.allSettled(Array.from({ length: Math.min(width, items.length) }, worker));
	const failed = ends.find((end) => end.status === 'rejected');
	if (failed) throw failed.reason;
}
