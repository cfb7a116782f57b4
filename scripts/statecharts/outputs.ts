import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AnyStateMachine } from 'xstate';
import { renderChart } from '../../src/inspect/render-chart.ts';
import { networkMachine, syncMachine, tableMachine } from '../../src/machines/index.ts';
import { layoutChart } from './layout-chart.ts';
import { layoutOverview } from './layout-overview.ts';
import { assertComplete, type ChartProse } from './prose.ts';
import { INDEX } from './prose-index.ts';
import { NETWORK } from './prose-network.ts';
import { SYNC } from './prose-sync.ts';
import { TABLE } from './prose-table.ts';
import { readChart } from './read-chart.ts';
import { writeDrawings } from './write-drawings.ts';
import { writeIndex } from './write-index.ts';
import { writePage } from './write-page.ts';

/** A machine with the words that its chart cannot say. */
export interface ChartSource {
	readonly machine: AnyStateMachine;
	readonly prose: ChartProse;
	/** Whether the inspector's panel shows the chart, and so needs its overview. */
	readonly isInPanel: boolean;
}

const FOLDER = 'docs/statecharts';

export const SOURCES: readonly ChartSource[] = [
	{ machine: tableMachine, prose: TABLE, isInPanel: true },
	{ machine: syncMachine, prose: SYNC, isInPanel: true },
	{ machine: networkMachine, prose: NETWORK, isInPanel: false },
];

/** All generated files: their text by their path from the repository's root. Throws where the prose does not fit. */
export async function generateOutputs(
	sources: readonly ChartSource[] = SOURCES,
): Promise<ReadonlyMap<string, string>> {
	const pages = sources.map(({ machine, ...source }) => ({ ...source, chart: readChart(machine) }));
	const charts = pages.map(({ chart }) => chart);
	for (const { chart, prose } of pages) assertComplete(chart, prose);
	const drawings = await Promise.all(charts.map((chart) => layoutChart(chart)));
	const inPanel = pages.filter(({ isInPanel }) => isInPanel);
	const overviews = await Promise.all(inPanel.map(({ chart }) => layoutOverview(chart)));
	return new Map([
		...pages.map(
			({ chart, prose }) => [`${FOLDER}/${chart.id}.md`, writePage(chart, prose, charts)] as const,
		),
		...drawings.map((drawing) => [`${FOLDER}/${drawing.id}.svg`, renderChart(drawing)] as const),
		[`${FOLDER}/README.md`, writeIndex(INDEX, charts)],
		['src/inspect/charts.generated.ts', writeDrawings(drawings, overviews)],
	]);
}

/** What keeps the files below `root` from being what the machines say: "path: reason" each; none: nothing does. */
export function findDrift(outputs: ReadonlyMap<string, string>, root: string): readonly string[] {
	const changed = [...outputs].flatMap(([path, text]) => {
		const held = readText(join(root, path));
		if (held === text) return [];
		return [held === null ? `${path}: missing` : `${path}: differs`];
	});
	const extra = listFolder(join(root, FOLDER))
		.map((name) => `${FOLDER}/${name}`)
		.filter((path) => !outputs.has(path));
	return [...changed, ...extra.map((path) => `${path}: not generated any more`)];
}

function readText(path: string): string | null {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		if (isMissing(error)) return null;
		throw error;
	}
}

function listFolder(path: string): readonly string[] {
	try {
		return readdirSync(path);
	} catch (error) {
		if (isMissing(error)) return [];
		throw error;
	}
}

function isMissing(error: unknown): boolean {
	return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
