import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk.bundled.js';
import { CHART_TEXT } from '../../src/inspect/chart-drawing.ts';
import { type Arrow, toLines } from './arrows.ts';
import { type ChartModel, type ModelState, stateOf } from './chart-model.ts';
import { LONGEST, measureLines, measureState, toStateText } from './state-text.ts';

/** The drawing's border, and the room between regions. */
const MARGIN = 8;
const REGION_GAP = 20;
/** A page of GitHub shows about this many px, and text must not shrink below four fifths. */
const TARGET_WIDTH = 1_000;

/**
 * States in the order of the code, top down: what leads against it is drawn upwards, so that the machine's own
 * order of telling is the order of reading. (The positions given to the states say so to INTERACTIVE.)
 */
const LAYERED: LayoutOptions = {
	'elk.algorithm': 'layered',
	'elk.direction': 'DOWN',
	'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
	'elk.layered.cycleBreaking.strategy': 'INTERACTIVE',
	'elk.layered.nodePlacement.strategy': 'LINEAR_SEGMENTS',
	'elk.layered.thoroughness': '40',
	'elk.randomSeed': '1',
	'elk.edgeRouting': 'ORTHOGONAL',
	'elk.json.shapeCoords': 'ROOT',
	'elk.json.edgeCoords': 'ROOT',
	'elk.spacing.nodeNode': '24',
	'elk.spacing.edgeNode': '14',
	'elk.spacing.edgeEdge': '10',
	'elk.spacing.edgeLabel': '4',
	'elk.spacing.nodeSelfLoop': '14',
	'elk.layered.spacing.nodeNodeBetweenLayers': '26',
	'elk.layered.spacing.edgeNodeBetweenLayers': '12',
	'elk.layered.spacing.edgeEdgeBetweenLayers': '10',
};

/** Regions know no arrow from one to another: they are packed like boxes. */
const PACKED: LayoutOptions = {
	'elk.algorithm': 'rectpacking',
	'elk.hierarchyHandling': 'SEPARATE_CHILDREN',
	'elk.rectpacking.widthApproximation.targetWidth': String(TARGET_WIDTH),
	'elk.spacing.nodeNode': String(REGION_GAP),
};

/** The chart as ELK takes it. An arrow is the edge `e<index>`, and belongs to the innermost state around both its ends. */
export function toGraph(chart: ChartModel, arrows: readonly Arrow[], options: LayoutOptions = {}): ElkNode {
	const layered = { ...LAYERED, ...options };
	const edges = arrows.flatMap((arrow, index) => (arrow.isStay ? [] : [toEdge(arrow, index)]));
	const root = chart.states[0];
	if (!root) throw new Error('The chart has no states.');
	return {
		id: '$',
		layoutOptions: { ...layered, 'elk.padding': toPadding(MARGIN, MARGIN) },
		children: [toNode(root)],
		edges: edges.filter((edge) => homeOf(chart, edge) === null),
	};

	function toNode(state: ModelState): ElkNode {
		const index = chart.states.indexOf(state);
		const children = chart.states.filter(({ parent }) => parent === state.id);
		const { width, height } = measureState(state, toStateText(state, arrows));
		const node = { id: state.id, x: index * 400, y: index * 400 };
		if (children.length === 0) return { ...node, width, height };
		const { padding } = CHART_TEXT;
		return {
			...node,
			layoutOptions: {
				...layered,
				...(state.isParallel ? PACKED : {}),
				'elk.padding': toPadding(height + 2 * padding, 3 * padding),
				'elk.nodeSize.constraints': 'MINIMUM_SIZE',
				'elk.nodeSize.minimum': `(${width},${height})`,
			},
			children: children.map(toNode),
			edges: edges.filter((edge) => homeOf(chart, edge) === state.id),
		};
	}
}

function toEdge({ source, target, labels }: Arrow, index: number): ElkExtendedEdge {
	const id = `e${index}`;
	const size = measureLines(toLines(labels, LONGEST.arrow));
	// On its line, not beside it: where lines run close together, nobody could tell whose label it is.
	const layoutOptions = { 'elk.edgeLabels.inline': String(source !== target) };
	return { id, sources: [source], targets: [target], labels: [{ text: id, ...size, layoutOptions }] };
}

/** The innermost state around both ends of an arrow; null: the drawing itself. */
export function homeOf(chart: ChartModel, { sources, targets }: ElkExtendedEdge): string | null {
	const [source = '', target = ''] = [sources[0], targets[0]];
	const around = ancestorsOf(chart, target);
	return ancestorsOf(chart, source).find((id) => around.includes(id)) ?? null;
}

/** From the parent outwards. */
function ancestorsOf(chart: ChartModel, id: string): readonly string[] {
	const { parent } = stateOf(chart, id);
	return parent === null ? [] : [parent, ...ancestorsOf(chart, parent)];
}

function toPadding(top: number, sides: number): string {
	return `[top=${top},left=${sides},bottom=${sides},right=${sides}]`;
}
