import ELK, { type LayoutOptions } from 'elkjs/lib/elk.bundled.js';
import {
	type Box,
	CHART_TEXT,
	type ChartDrawing,
	type DrawnState,
	type DrawnTransition,
} from '../../src/inspect/chart-drawing.ts';
import { type Arrow, toArrows, toLines } from './arrows.ts';
import { type ChartModel, drawnKindOf, stateOf } from './chart-model.ts';
import { toGraph } from './layout-graph.ts';
import { readLayout } from './read-layout.ts';
import { LONGEST, measureLines, type StateText, toStateText } from './state-text.ts';

/** Places states, arrows and labels. The same chart always gives the same drawing. */
export async function layoutChart(chart: ChartModel, options: LayoutOptions = {}): Promise<ChartDrawing> {
	const arrows = toArrows(chart);
	const layout = readLayout(await new ELK().layout(toGraph(chart, arrows, options)));
	const textOf = (id: string) => toStateText(stateOf(chart, id), arrows);
	return {
		id: chart.id,
		width: layout.width,
		height: layout.height,
		states: chart.states.map(
			(state): DrawnState => ({
				id: state.id,
				label: state.key,
				kind: drawnKindOf(chart, state),
				isInitial: state.isInitial,
				...layout.boxOf(state.id),
				activities: textOf(state.id).activities,
			}),
		),
		transitions: arrows.map((arrow, index): DrawnTransition => {
			const { source, target, labels, isStay } = arrow;
			if (isStay) return toStay(arrow, layout.boxOf(source), textOf(source));
			return {
				source,
				target,
				labels: toLines(labels, LONGEST.arrow),
				labelBox: layout.labelBoxOf(`e${index}`),
				points: layout.pointsOf(`e${index}`),
			};
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
