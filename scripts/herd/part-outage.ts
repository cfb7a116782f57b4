import { type Figures, toFigures } from './figures.ts';
import { type HerdOptions, runHerd } from './herd.ts';
import { toCount, toPercent, toTable } from './markdown.ts';
import { toRequests } from './meter.ts';
import { toPlot } from './plot.ts';
import { FIXED, NO_PROBE, PIXSYNC } from './policy.ts';
import { type Case, END_MS, type Plan, toChange, toOutage, toQuiet, toReturn } from './scenarios.ts';

/** A part of the page, and the drawing that belongs to it. */
export interface OutagePart {
	readonly text: string;
	readonly svg: string;
}

const POLICIES = [PIXSYNC, FIXED, NO_PROBE] as const;

/** Variants are run with a tenth of the devices, and a server of a tenth; rates are scaled. */
const VARIANT_SHARE = 10;

/** Runs every herd of the page; most of a minute. */
export function renderOutages(plan: Plan): OutagePart {
	const small: Plan = { ...plan, devices: Math.max(1, Math.round(plan.devices / VARIANT_SHARE)) };
	const figuresOf = (options: HerdOptions) => toFigures(runHerd(options), options, plan.devices);
	const main = POLICIES.map((policy) => {
		const options = toOutage(plan, 'nobody', { policy });
		const run = runHerd(options);
		return { policy, figures: toFigures(run, options, plan.devices), requests: toRequests(run.meter) };
	});
	const five = POLICIES.map((policy) => ({
		policy,
		figures: figuresOf(toOutage(small, 'nobody', { policy, tables: 5 })),
	}));
	const variants = VARIANTS.map(({ name, outcome, given }) => [
		name,
		...toCells(figuresOf(toOutage(small, outcome, given))),
	]);
	const together = TOGETHER.map(({ name, toOptions }) => {
		const { returnPeak, syncedS, refusedShare, endMean } = figuresOf(toOptions(small));
		return [name, toCount(returnPeak), toSeconds(syncedS), toPercent(refusedShare), toCount(endMean)];
	});

	const policyHead = ['each device waits', ...FIGURE_HEAD];
	const text = [
		'### One table',
		toTable(
			policyHead,
			main.map(({ policy, figures }) => [policy.name, ...toCells(figures)]),
		),
		'![Requests a second, from one minute before the outage to ten minutes after it](scale.svg)',
		'### Five tables',
		toTable(
			policyHead,
			five.map(({ policy, figures }) => [policy.name, ...toCells(figures)]),
		),
		'### PixSync, with other servers and other outages',
		toTable(['one thing is different', ...FIGURE_HEAD], variants),
		'### PixSync, when all devices do something at once',
		toTable(
			['what happens', 'peak in the 10 s after it', '99 % synced after', 'refused', 'ten minutes later'],
			together,
		),
	].join('\n\n');
	const series = main.map(({ policy, requests }) => ({ name: policy.name, requests }));
	return { text, svg: toPlot(series, END_MS / 1_000) };
}

const FIGURE_HEAD = [
	'while it is down, mean',
	'while it is down, peak',
	'peak in the 10 s after',
	'99 % synced after',
	'requests a device',
	'refused after the return',
] as const;

const VARIANTS: readonly {
	readonly name: string;
	readonly outcome: 'nobody' | 'refusal' | 'silence';
	readonly given: Case;
}[] = [
	{ name: 'nothing (as in the first table)', outcome: 'nobody', given: {} },
	{ name: 'twice the steady load can be answered', outcome: 'nobody', given: { headroom: 2 } },
	{ name: 'four times', outcome: 'nobody', given: { headroom: 4 } },
	{ name: 'refusals are not in JSON', outcome: 'nobody', given: { overload: 'nobody' } },
	{ name: 'the same, twice the load', outcome: 'nobody', given: { overload: 'nobody', headroom: 2 } },
	{ name: 'the same, five tables, 1.2 times', outcome: 'nobody', given: { overload: 'nobody', tables: 5 } },
	{
		name: 'the same, five tables, twice',
		outcome: 'nobody',
		given: { overload: 'nobody', tables: 5, headroom: 2 },
	},
	{ name: 'refusals carry `Retry-After: 30`', outcome: 'nobody', given: { retryAfterMs: 30_000 } },
	{ name: 'down, it never answers', outcome: 'silence', given: {} },
	{ name: 'down, a gateway refuses in JSON', outcome: 'refusal', given: {} },
	{ name: 'the same, five tables', outcome: 'refusal', given: { tables: 5 } },
	{ name: 'each device has a Realtime channel', outcome: 'nobody', given: { hasChannel: true } },
];

const TOGETHER: readonly { readonly name: string; readonly toOptions: (plan: Plan) => HerdOptions }[] = [
	{ name: 'all networks are back within 1 s', toOptions: (plan) => toReturn(plan, 1_000, {}) },
	{ name: 'within 30 s', toOptions: (plan) => toReturn(plan, 30_000, {}) },
	{
		name: 'a row changes that all see; all are told within 1 s',
		toOptions: (plan) => toChange(plan, 1_000, {}),
	},
	{ name: 'the same, within 30 s', toOptions: (plan) => toChange(plan, 30_000, {}) },
	{
		name: 'nothing, but auto-sync was turned on everywhere within 1 s',
		toOptions: (plan) => toQuiet(plan, { startSpreadMs: 1_000 }),
	},
];

function toCells(figures: Figures): string[] {
	const { downMean, downPeak, returnPeak, syncedS, perDevice, refusedShare } = figures;
	return [
		...[downMean, downPeak, returnPeak].map(toCount),
		toSeconds(syncedS),
		toCount(perDevice),
		toPercent(refusedShare),
	];
}

function toSeconds(seconds: number | null): string {
	return seconds === null ? 'not within 10 min' : `${Math.round(seconds)} s`;
}
