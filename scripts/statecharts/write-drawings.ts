import type { Box, ChartDrawing, DrawnState, DrawnTransition } from '../../src/inspect/chart-drawing.ts';

/** The source file of all drawings: one state or arrow a line. */
export function writeDrawings(drawings: readonly ChartDrawing[]): string {
	const ids = drawings.map(({ id }) => toText(id)).join(' | ');
	return [
		'// Written by `npm run docs:statecharts` from the machines; not to be edited.',
		"import type { ChartDrawing } from './chart-drawing.ts';",
		'',
		'/** The charts as they are drawn, by the id of their machine. */',
		'// biome-ignore format: one state or arrow a line.',
		`export const CHARTS: Readonly<Record<${ids}, ChartDrawing>> = {`,
		...drawings.map(toEntry),
		'};',
		'',
	].join('\n');
}

function toEntry({ id, width, height, states, transitions }: ChartDrawing): string {
	return [
		`\t${id}: {`,
		`\t\tid: ${toText(id)}, width: ${width}, height: ${height},`,
		'\t\tstates: [',
		...states.map((state) => `\t\t\t${toState(state)},`),
		'\t\t],',
		'\t\ttransitions: [',
		...transitions.map((transition) => `\t\t\t${toTransition(transition)},`),
		'\t\t],',
		'\t},',
	].join('\n');
}

function toState({ id, label, kind, isInitial, activities, ...box }: DrawnState): string {
	const names = `id: ${toText(id)}, label: ${toText(label)}, kind: ${toText(kind)}, isInitial: ${isInitial}`;
	return `{ ${names}, ${toBox(box)}, activities: ${toTexts(activities)} }`;
}

function toTransition({ source, target, labels, labelBox, points }: DrawnTransition): string {
	const ends = `source: ${toText(source)}, target: ${toText(target)}`;
	const line = points.map(([x, y]) => `[${x}, ${y}]`).join(', ');
	return `{ ${ends}, labels: ${toTexts(labels)}, labelBox: { ${toBox(labelBox)} }, points: [${line}] }`;
}

function toBox({ x, y, width, height }: Box): string {
	return `x: ${x}, y: ${y}, width: ${width}, height: ${height}`;
}

function toTexts(texts: readonly string[]): string {
	return `[${texts.map(toText).join(', ')}]`;
}

function toText(text: string): string {
	return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}
