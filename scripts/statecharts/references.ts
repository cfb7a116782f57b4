import type { ChartModel } from './chart-model.ts';
import { toPath, toVocabulary } from './prose.ts';

/** `{table.idle}` a state, `{table:sync.request}` any other name of the chart, `{table}` the chart's page. */
const REFERENCE = /\{(\w+)(?:([.:])([^{}]+))?\}/g;

/**
 * Prose with its references made links and code, so that no name in it outlives the chart's. Throws on a name that
 * the chart does not have.
 * @param page id of the chart on whose page the text stands; null: another page
 */
export function linkReferences(text: string, charts: readonly ChartModel[], page: string | null): string {
	return text.replace(
		REFERENCE,
		(reference, id: string, kind: string | undefined, name: string | undefined) => {
			const chart = charts.find((one) => one.id === id);
			if (!chart) throw new Error(`'${reference}' in the prose: there is no chart '${id}'.`);
			const { states, ...others } = toVocabulary(chart);
			if (kind === undefined || name === undefined) return `[${id}](${id}.md)`;
			if (kind === '.') {
				if (!states.includes(name)) throw new Error(`'${reference}' in the prose: there is no such state.`);
				const anchor = `#${toAnchor(name)}`;
				return `[\`${name}\`](${id === page ? anchor : `${id}.md${anchor}`})`;
			}
			const isKnown = Object.values(others).some((names) => names.includes(name));
			if (!isKnown) throw new Error(`'${reference}' in the prose: the chart has no such name.`);
			return `\`${name}\``;
		},
	);
}

/** A link to a state of the page itself. */
export function toStateLink(stateId: string, chartId: string): string {
	const path = toPath(stateId, chartId) || chartId;
	return `[\`${path}\`](#${toAnchor(path)})`;
}

/** What GitHub makes of a heading for links to it. */
export function toAnchor(heading: string): string {
	return heading
		.toLowerCase()
		.replace(/[^\p{L}\p{N}\s_-]/gu, '')
		.replaceAll(' ', '-');
}
