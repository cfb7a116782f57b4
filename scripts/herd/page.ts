import type { Plan } from './scenarios.ts';

export const PAGE_PATH = 'docs/scale.md';
export const PLOT_PATH = 'docs/scale.svg';

const BEGIN = '<!-- herd:begin -->';
const END = '<!-- herd:end -->';

/** What stands between the page's markers. */
export function toGenerated(plan: Plan, parts: readonly string[]): string {
	return [`Devices: ${plan.devices}. Seed: ${plan.seed}.`, ...parts].join('\n\n');
}

/** @throws Error where the page has lost its markers. */
export function readGenerated(page: string): string {
	const { from, until } = find(page);
	return page.slice(from, until).trim();
}

/** @throws Error where the page has lost its markers. */
export function withGenerated(page: string, generated: string): string {
	const { from, until } = find(page);
	return `${page.slice(0, from)}\n\n${generated}\n\n${page.slice(until)}`;
}

function find(page: string): { readonly from: number; readonly until: number } {
	const from = page.indexOf(BEGIN) + BEGIN.length;
	const until = page.indexOf(END);
	if (from < BEGIN.length || until < from) throw new Error(`${PAGE_PATH} needs ${BEGIN} and ${END}.`);
	return { from, until };
}
