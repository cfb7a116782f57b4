import { OWN } from './names.ts';
import { toCount } from './sizes.ts';
import type { Stage, Workload } from './workloads.ts';

export const QUIET = 'nothing else going on';
export const duringDownload = (rows: number) => `${toCount(rows)} rows coming in`;

/** Of each such row, the half and the 95th of a hundred. */
export const MEDIAN = 'median';
export const P95 = 'p95';

/** How long a person waits to see what they wrote, while rows come in. */
async function run({ server, sizes, open, record }: Stage): Promise<void> {
	const rows = sizes.medium * 2;
	const player = await open();
	await server.fill(0);
	await player.call('open');
	await player.call('download');
	const note = (what: string, latencies: readonly number[] | null) => {
		if (!latencies?.length) throw new Error(`no write was seen: ${what}`);
		const sorted = latencies.toSorted((a, b) => a - b);
		const traffic = server.traffic();
		record(`${what}, ${MEDIAN}`, { value: sorted[sorted.length >> 1] ?? 0, traffic });
		record(`${what}, ${P95}`, { value: sorted[Math.floor(sorted.length * 0.95)] ?? 0, traffic });
		record(`${what}, writes seen`, { value: sorted.length, traffic });
	};
	note(QUIET, await player.watch(sizes.quietMs));
	await player.call('upload');
	await server.fill(rows);
	server.clearTraffic();
	note(duringDownload(rows), await player.watch('download'));
	await player.end();
}

export const WATCHING: Workload = { name: 'watching', contestants: OWN, run };
