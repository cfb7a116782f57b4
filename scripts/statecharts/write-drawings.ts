import type { Box, ChartDrawing, DrawnState, DrawnTransition } from '../../src/inspect/chart-drawing.ts';

/** The source file of all drawings: one state or arrow a line. */
export function writeDrawings(drawings: readonly ChartDrawing[], overviews: readonly ChartDrawing[]): string {
	return [
		'// Written by `npm run docs:statecharts` from the machines; not to be edited.',
		"import type { ChartDrawing } from './chart-drawing.ts';",
		'',
		'/** The charts as the documentation draws them, by the id of their machine. */',
		...toRecord('CHARTS', drawings),
		'',
		'/** The charts at a glance: states and arrows, but for the root, without events, activities and labels. */',
		...toRecord('OVERVIEWS', overviews),
		'',
	].join('\n');
}

function toRecord(name: string, drawings: readonly ChartDrawing[]): readonly string[] {
	const ids = drawings.map(({ id }) => toText(id)).join(' | ');
	return [
		'// biome-ignore format: one state or arrow a line.',
		`export const ${name}: Readonly<Record<${ids}, ChartDrawing>> = {`,
		...drawings.map(toEntry),
		'};',
	];
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
