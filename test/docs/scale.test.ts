import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runHerd } from '../../scripts/herd/herd.ts';
import { sum, toRequests, toSecond } from '../../scripts/herd/meter.ts';
import { PAGE_PATH, readGenerated } from '../../scripts/herd/page.ts';
import { renderSizing } from '../../scripts/herd/part-sizing.ts';
import { FIXED, NO_PROBE, PIXSYNC, type Policy } from '../../scripts/herd/policy.ts';
import { type Case, PAGE_PLAN, TROUBLE, toOutage, toReturn } from '../../scripts/herd/scenarios.ts';
import { createServer } from '../../scripts/herd/server.ts';
import { runShippedDevice, type Sent } from '../../scripts/herd/shipped-device.ts';
import type { TraceEntry } from '../../scripts/herd/trace.ts';

const ONE = { devices: 1, seed: 1 };
/** Plenty of it, so that one device is never refused. */
const CALM: Case = { headroom: 1_000 };

describe('a device of the herd asks when the shipping charts ask', () => {
	const draws = [0.1, 0.25, 0.6, 0.99];
	const outages = (['nobody', 'refusal', 'silence'] as const).flatMap((outcome) =>
		[1, 3].flatMap((tables) => draws.map((draw) => ({ outcome, tables, draw }))),
	);

	it.each(outages)(
		'an outage with $outcome, $tables tables, each draw $draw',
		async ({ outcome, tables, draw }) => {
			const options = toOutage(ONE, outcome, { ...CALM, tables });
			expect(herdOf({ ...options, random: () => draw })).toEqual(await shippedOf({ ...options, draw }));
		},
	);

	it.each(draws)('ten minutes without a network, each draw %s', async (draw) => {
		const options = toReturn(ONE, 1, { ...CALM, tables: 2 });
		expect(herdOf({ ...options, random: () => draw })).toEqual(await shippedOf({ ...options, draw }));
	});
});

describe('what the page says of the comparison', () => {
	const herd = { devices: 1_000, seed: 3 };

	function loadWhileDown(policy: Policy, tables: number): number {
		const run = runHerd(toOutage(herd, 'nobody', { policy, tables }));
		return sum(toRequests(run.meter).slice(toSecond(TROUBLE.from), toSecond(TROUBLE.until)));
	}

	it.each([1, 5])('PixSync asks least while the server is away, a fixed delay most (%s tables)', (tables) => {
		const [pixsync, noProbe, fixed] = [PIXSYNC, NO_PROBE, FIXED].map((policy) =>
			loadWhileDown(policy, tables),
		) as [number, number, number];
		expect(pixsync).toBeLessThan(noProbe);
		expect(noProbe * 2).toBeLessThan(fixed);
	});

	it('twice the load at rest: the herd drains, however it is refused', () => {
		for (const overload of ['refusal', 'nobody'] as const)
			for (const tables of [1, 5])
				expect(runHerd(toOutage(herd, 'nobody', { overload, tables, headroom: 2 })).syncedMs).toBeLessThan(
					180_000,
				);
	});

	it('the same seed gives the same herd, and another seed another', () => {
		const requests = (seed: number) => toRequests(runHerd(toOutage({ ...herd, seed }, 'nobody', {})).meter);
		expect(requests(5)).toEqual(requests(5));
		expect(requests(5)).not.toEqual(requests(6));
	});

	it('the page has the tables of sizes that the script makes', () => {
		expect(readGenerated(readFileSync(PAGE_PATH, 'utf8'))).toContain(renderSizing(PAGE_PLAN));
	});
});

type HerdOptions = Parameters<typeof runHerd>[0];

function herdOf(options: HerdOptions): Sent[] {
	const sent: Sent[] = [];
	const trace = (entry: TraceEntry) => {
		if (entry.kind === 'sent') sent.push({ at: entry.at, table: entry.table });
	};
	runHerd({ ...options, trace });
	return inOrder(sent);
}

async function shippedOf({ draw, ...options }: HerdOptions & { readonly draw: number }): Promise<Sent[]> {
	const { tables, intervalMs, endAt, offline } = options;
	const sent = await runShippedDevice({
		...{ tables, intervalMs, endAt, offline },
		// The herd's draws are the same for the start.
		startAt: Math.floor(draw * options.startSpreadMs),
		server: createServer(options.server),
		random: () => draw,
	});
	return inOrder(sent);
}

/** Requests of one moment have no order. */
function inOrder(sent: readonly Sent[]): Sent[] {
	return sent.toSorted((a, b) => a.at - b.at || (a.table ?? -1) - (b.table ?? -1));
}
