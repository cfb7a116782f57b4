import ELK, { type ElkExtendedEdge, type ElkNode, type LayoutOptions } from 'elkjs/lib/elk.bundled.js';
import {
	type Box,
	CHART_TEXT,
	type ChartDrawing,
	type DrawnState,
	type DrawnTransition,
} from '../../src/inspect/chart-drawing.ts';
import { type Arrow, toArrows, toLines } from './arrows.ts';
import type { ChartModel } from './chart-model.ts';
import { toGraph } from './layout-graph.ts';
import { LONGEST, measureLines, type StateText, toStateText } from './state-text.ts';

/** Places states, arrows and labels. The same chart always gives the same drawing. */
export async function layoutChart(chart: ChartModel, options: LayoutOptions = {}): Promise<ChartDrawing> {
	const arrows = toArrows(chart);
	const graph = await new ELK().layout(toGraph(chart, arrows, options));
	const nodes = walk(graph);
	const edges = new Map(nodes.flatMap((node) => node.edges ?? []).map((edge) => [edge.id, edge]));
	const boxes = new Map(nodes.map((node) => [node.id, toBox(node)]));
	const texts = new Map(chart.states.map((state) => [state.id, toStateText(state, arrows)]));
	return {
		id: chart.id,
		width: Math.ceil(graph.width ?? 0),
		height: Math.ceil(graph.height ?? 0),
		states: chart.states.map((state): DrawnState => {
			const isLeaf = !chart.states.some(({ parent }) => parent === state.id);
			return {
				id: state.id,
				label: state.key,
				kind: state.kind === 'region' ? 'region' : isLeaf ? 'atomic' : 'compound',
				isInitial: state.isInitial,
				...found(boxes.get(state.id), state.id),
				activities: found(texts.get(state.id), state.id).activities,
			};
		}),
		transitions: arrows.map((arrow, index) => {
			const { source } = arrow;
			if (!arrow.isStay) return toLine(arrow, edges.get(`e${index}`));
			return toStay(arrow, found(boxes.get(source), source), found(texts.get(source), source));
		}),
	};
}

/** The labels of what does not leave the state stand below its activities. */
function toStay({ source, target }: Arrow, box: Box, { activities, stays }: StateText): DrawnTransition {
	const { headHeight, lineHeight, padding } = CHART_TEXT;
	const y = box.y + headHeight + activities.length * lineHeight;
	const labelBox = { x: box.x + padding / 2, y, ...measureLines(stays) };
	return { source, target, labels: stays, labelBox, points: [] };
}

function toLine({ source, target, labels }: Arrow, edge: ElkExtendedEdge | undefined): DrawnTransition {
	const id = `${source} → ${target}`;
	const { startPoint, bendPoints = [], endPoint } = found(edge?.sections?.[0], id);
	return {
		source,
		target,
		labels: toLines(labels, LONGEST.arrow),
		labelBox: toBox(found(edge?.labels?.[0], id)),
		points: [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [Math.round(x), Math.round(y)] as const),
	};
}

function toBox({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
	return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
}

function walk(node: ElkNode): readonly ElkNode[] {
	return [node, ...(node.children ?? []).flatMap(walk)];
}

function found<T>(value: T | undefined, id: string): T {
	if (value === undefined) throw new Error(`The layout lost '${id}'.`);
	return value;
}
