import type { ElkNode, LayoutOptions } from 'elkjs/lib/elk.bundled.js';
import { CHART_TEXT } from '../../src/inspect/chart-drawing.ts';
import { type ChartModel, drawnKindOf, type ModelState } from './chart-model.ts';
import { homeOf } from './layout-graph.ts';
import type { Size } from './state-text.ts';
import type { Ends } from './straight-lines.ts';

/** Around what a state holds: room for the dot of the initial one. Above it stands the state's name. */
const PADDING = 14;
const HEAD = CHART_TEXT.headHeight + 8;

/** Top down in the order of the code, close together, for there are no labels between. */
const LAYERED: LayoutOptions = {
	'elk.algorithm': 'layered',
	'elk.direction': 'DOWN',
	'elk.layered.cycleBreaking.strategy': 'INTERACTIVE',
	'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
	'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
	'elk.randomSeed': '1',
	'elk.edgeRouting': 'ORTHOGONAL',
	'elk.json.shapeCoords': 'ROOT',
	'elk.json.edgeCoords': 'ROOT',
	'elk.spacing.nodeNode': '16',
	'elk.spacing.nodeSelfLoop': '10',
	'elk.layered.spacing.nodeNodeBetweenLayers': '22',
};

/** Both ways between two states in straight lines, however wide the states are. */
const ENDS: LayoutOptions = { 'elk.portAlignment.default': 'CENTER', 'elk.spacing.portPort': '24' };

/** Regions side by side, whatever the width. */
const ABREAST: LayoutOptions = {
	'elk.algorithm': 'rectpacking',
	'elk.rectpacking.widthApproximation.targetWidth': '100000',
	'elk.rectpacking.whiteSpaceElimination.strategy': 'EQUAL_BETWEEN_STRUCTURES',
	'elk.spacing.nodeNode': '6',
};

/** What the root holds, as ELK takes it. An arrow is the edge `e<index>`. */
export function toOverviewGraph(
	chart: ChartModel,
	arrows: readonly Ends[],
	size: Size,
	margin: number,
): ElkNode {
	const root = chart.states[0];
	if (!root) throw new Error('The chart has no states.');
	const edges = arrows.map(({ source, target }, index) => ({
		id: `e${index}`,
		sources: [source],
		targets: [target],
	}));
	return toNode(root);

	function toNode(state: ModelState): ElkNode {
		// Read by INTERACTIVE: what leads up in the code is drawn upwards.
		const index = chart.states.indexOf(state) * 100;
		const node = { id: state.id, x: index, y: index };
		if (drawnKindOf(chart, state) === 'atomic') return { ...node, ...size, layoutOptions: ENDS };
		const [top, sides] = state === root ? [margin, margin] : [HEAD, PADDING];
		return {
			...node,
			layoutOptions: {
				...LAYERED,
				...ENDS,
				...(state.isParallel ? ABREAST : {}),
				'elk.padding': `[top=${top},left=${sides},bottom=${sides},right=${sides}]`,
			},
			children: chart.states.filter(({ parent }) => parent === state.id).map(toNode),
			edges: edges.filter((edge) => homeOf(chart, edge) === state.id),
		};
	}
}
