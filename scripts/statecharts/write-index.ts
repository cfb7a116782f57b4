import type { ChartModel } from './chart-model.ts';
import { GENERATED, toDocument, toTable } from './markdown.ts';
import { toPath } from './prose.ts';
import type { IndexProse } from './prose-index.ts';
import { linkReferences, toAnchor } from './references.ts';

/** The index of all charts. */
export function writeIndex(prose: IndexProse, charts: readonly ChartModel[]): string {
	const link = (text: string) => linkReferences(text, charts, null);
	return toDocument([
		GENERATED,
		'# Statecharts',
		link(prose.intro),
		'## The charts',
		toTable(
			['machine', 'what it is', 'states', 'transitions'],
			charts.map((chart) => [
				`[${chart.id}](${chart.id}.md)`,
				link(prose.charts[chart.id] ?? ''),
				toStateList(chart),
				String(chart.transitions.length),
			]),
		),
		toCombinations(charts),
		'## How they fit together',
		`\`\`\`mermaid\n${writeTogether(charts)}\n\`\`\``,
		link(prose.together),
		...prose.walks.flatMap(({ heading, intro, steps }) => [
			`## ${heading}`,
			intro,
			steps.map((step, index) => `${index + 1}. ${link(step)}`).join('\n'),
		]),
		'## Further',
		link(prose.outro),
	]);
}

/** The states that hold no others, as links, region by region. */
function toStateList(chart: ChartModel): string {
	const leaves = leavesOf(chart).map((id) => toPath(id, chart.id));
	return leaves.map((path) => `[\`${path}\`](${chart.id}.md#${toAnchor(path)})`).join(', ');
}

function toCombinations(charts: readonly ChartModel[]): string {
	const sentences = charts.map((chart) => {
		const regions = chart.states.filter(({ kind }) => kind === 'region').map(({ id }) => id);
		if (regions.length === 0) return `**${chart.id}** is in one of ${leavesOf(chart).length} states.`;
		const counts = regions.map(
			(region) => leavesOf(chart).filter((id) => id.startsWith(`${region}.`)).length,
		);
		const product = counts.reduce((all, count) => all * count, 1);
		const names = regions.map((id) => toPath(id, chart.id)).join(', ');
		return `**${chart.id}** is in one state of each of its regions (${names}): ${counts.join(' × ')} = ${product} combinations.`;
	});
	return sentences.join(' ');
}

function leavesOf({ states }: ChartModel): readonly string[] {
	return states.filter(({ id }) => !states.some(({ parent }) => parent === id)).map(({ id }) => id);
}

/** Who spawns whom, and which services are invoked, from the charts; the façade around them by hand. */
function writeTogether(charts: readonly ChartModel[]): string {
	const machines = charts.map(({ id }) => `\t${id}["${id} machine"]`);
	const spawns = charts.flatMap(({ id, spawned }) =>
		spawned.map((child) => `\t${id} -- spawns --> ${child}`),
	);
	const services = charts.flatMap(({ id, states }) => {
		const names = [...new Set(states.flatMap(({ invokes }) => invokes.map(({ src }) => src)))];
		return names.length === 0 ? [] : [`\t${id} -- invokes --> ${id}Services(["${names.join(', ')}"])`];
	});
	return [
		'flowchart LR',
		'\tapp(["app"]) --> manager["SyncManager"]',
		'\tmanager -- commands, facts --> sync',
		...machines,
		...spawns,
		...services,
		'\ttable -- reports --> sync',
		'\tmonitor["NetworkMonitor"] -- runs --> network',
		'\tmonitor -- verdict --> manager',
	].join('\n');
}
