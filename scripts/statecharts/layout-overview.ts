import ELK from 'elkjs/lib/elk.bundled.js';
import {
	type Box,
	CHART_TEXT,
	type ChartDrawing,
	type DrawnTransition,
} from '../../src/inspect/chart-drawing.ts';
import { toArrows } from './arrows.ts';
import { type ChartModel, drawnKindOf, type ModelState } from './chart-model.ts';
import { toOverviewGraph } from './overview-graph.ts';
import { placeStates } from './place-states.ts';
import { readLayout } from './read-layout.ts';
import { spreadEnds } from './spread-ends.ts';
import type { Size } from './state-text.ts';
import { type Ends, toLines, toLoop } from './straight-lines.ts';

type Places = Pick<ChartDrawing, 'width' | 'height'> & {
	boxOf(id: string): Box;
	pointsOf(arrow: number): DrawnTransition['points'];
};

/** Around the drawing: room for a loop and for the dot of the initial state, or for the frames alone. */
const MARGIN = { flat: 14, nested: 4 } as const;
/** Beside a name in its box, at least. */
const BESIDE_NAME = 3;

/**
 * A chart at a glance, twice as wide as high or so: states with their names alone, one arrow without labels for each
 * ordered pair. The root is left out, for it is the drawing itself; what does not leave a state is left out, too.
 * The same chart always gives the same drawing.
 *
 * @throws Error if an arrow begins or ends at the root: there is nothing to draw it at
 */
export async function layoutOverview(chart: ChartModel): Promise<ChartDrawing> {
	const arrows = toArrows(chart).filter(({ isStay }) => !isStay);
	const states = chart.states.filter(({ parent }) => parent !== null);
	if (arrows.some(({ source, target }) => source === chart.id || target === chart.id))
		throw new Error(`The overview of '${chart.id}' has no box for the arrows of its root.`);
	const isFlat = states.every((state) => drawnKindOf(chart, state) === 'atomic');
	const { width, height, boxOf, pointsOf } = isFlat
		? placeFlat(states, arrows)
		: await placeNested(chart, states, arrows);
	return {
		id: chart.id,
		width,
		height,
		states: states.map((state) => ({
			id: state.id,
			label: state.key,
			kind: drawnKindOf(chart, state),
			isInitial: state.isInitial,
			...boxOf(state.id),
			activities: [],
		})),
		transitions: arrows.map(({ source, target }, index) => ({
			source,
			target,
			labels: [],
			labelBox: { x: 0, y: 0, width: 0, height: 0 },
			points: pointsOf(index),
		})),
	};
}

function placeFlat(states: readonly ModelState[], arrows: readonly Ends[]): Places {
	const placed = placeStates(
		states.map(({ id }) => id),
		arrows,
		sizeOf(states),
	);
	const boxOf = (id: string) => {
		const { x, y, ...size } = placed.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
		return { x: x + MARGIN.flat, y: y + MARGIN.flat, ...size };
	};
	const boxes = states.map(({ id }) => boxOf(id));
	const lines = spreadEnds(toLines(arrows, boxOf), boxOf);
	return {
		width: Math.max(...boxes.map(({ x, width }) => x + width)) + MARGIN.flat,
		height: Math.max(...boxes.map(({ y, height }) => y + height)) + MARGIN.flat,
		boxOf,
		pointsOf(index) {
			const arrow = arrows[index];
			const line = lines.find(({ source, target }) => source === arrow?.source && target === arrow.target);
			const points = line ? [line.start, line.end] : toLoop(boxOf(arrow?.source ?? ''), lines);
			return points.map(([x, y]) => [round(x), round(y)] as const);
		},
	};
}

async function placeNested(
	chart: ChartModel,
	states: readonly ModelState[],
	arrows: readonly Ends[],
): Promise<Places> {
	const atomic = states.filter((state) => drawnKindOf(chart, state) === 'atomic');
	const graph = toOverviewGraph(chart, arrows, sizeOf(atomic), MARGIN.nested);
	const { width, height, boxOf, pointsOf } = readLayout(await new ELK().layout(graph));
	return { width, height, boxOf, pointsOf: (index) => pointsOf(`e${index}`) };
}

/** One size for all, so that none looks more important: that of the longest name. */
function sizeOf(states: readonly ModelState[]): Size {
	const { nameCharacterWidth, headHeight } = CHART_TEXT;
	const longest = Math.max(...states.map(({ key }) => [...key].length));
	return { width: Math.ceil(longest * nameCharacterWidth) + 2 * BESIDE_NAME, height: headHeight };
}

function round(value: number): number {
	return Math.round(value * 10) / 10;
}
