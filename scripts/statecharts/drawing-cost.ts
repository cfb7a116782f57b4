import type { Box } from '../../src/inspect/chart-drawing.ts';
import type { Line, Point } from './straight-lines.ts';

/** Weights, found by looking at drawings. Nearness is in px. */
const COST = {
	/** A line through another state's box reads as leading there: never, where it can be helped. */
	throughBox: 800,
	/** The more, the flatter the angle. */
	crossing: 60,
	crossingAtEnd: 200,
	/** A px by which two ends at the same box are too near to each other. */
	crampedEnds: 15,
	shortLine: 300,
	length: 0.12,
} as const;
const NEAR = { box: 6, crossing: 16, ends: 13, line: 24 } as const;

/** How hard straight lines between boxes are to read; less is better. */
export function toCost(boxes: ReadonlyMap<string, Box>, lines: readonly Line[]): number {
	let cost = 0;
	for (const [index, line] of lines.entries()) {
		const { start, end, source, target } = line;
		const length = Math.hypot(end[0] - start[0], end[1] - start[1]);
		cost += length * COST.length + (length < NEAR.line ? COST.shortLine : 0);
		for (const [id, box] of boxes) {
			if (id !== source && id !== target && isThrough(box, line, NEAR.box)) cost += COST.throughBox;
		}
		for (let other = index + 1; other < lines.length; other++) {
			const against = lines[other];
			if (against) cost += ofPair(line, against);
		}
	}
	return cost;
}

/** Whether a line comes nearer to a box than `room`, px. */
function isThrough({ x, y, width, height }: Box, { start, end }: Line, room: number): boolean {
	const spans = [
		[start[0], end[0] - start[0], x - room, x + width + room],
		[start[1], end[1] - start[1], y - room, y + height + room],
	] as const;
	let [from, to] = [0, 1];
	for (const [at, way, least, most] of spans) {
		if (way === 0) {
			if (at < least || at > most) return false;
			continue;
		}
		const [a, b] = [(least - at) / way, (most - at) / way];
		from = Math.max(from, Math.min(a, b));
		to = Math.min(to, Math.max(a, b));
	}
	return from <= to;
}

function ofPair(one: Line, other: Line): number {
	if (one.source === other.target && one.target === other.source) return 0;
	let cost = 0;
	for (const [a, state] of [[one.start, one.source] as const, [one.end, one.target] as const]) {
		for (const [b, same] of [[other.start, other.source] as const, [other.end, other.target] as const]) {
			if (state !== same) continue;
			cost += COST.crampedEnds * Math.max(0, NEAR.ends - Math.hypot(a[0] - b[0], a[1] - b[1]));
		}
	}
	const at = crossingOf(one, other);
	if (!at) return cost;
	const ends = [one.start, one.end, other.start, other.end];
	const isAtEnd = ends.some(([x, y]) => Math.hypot(x - at[0], y - at[1]) < NEAR.crossing);
	return cost + COST.crossing * (1 + flatnessOf(one, other)) + (isAtEnd ? COST.crossingAtEnd : 0);
}

/** Null: they do not cross. */
function crossingOf(one: Line, other: Line): Point | null {
	const [a, b] = [sideOf(one.start, other), sideOf(one.end, other)];
	const [c, d] = [sideOf(other.start, one), sideOf(other.end, one)];
	if (a * b >= 0 || c * d >= 0) return null;
	const share = a / (a - b);
	return [
		one.start[0] + (one.end[0] - one.start[0]) * share,
		one.start[1] + (one.end[1] - one.start[1]) * share,
	];
}

/** Its sign says on which side of the line a point is. */
function sideOf([x, y]: Point, { start, end }: Line): number {
	return (end[0] - start[0]) * (y - start[1]) - (end[1] - start[1]) * (x - start[0]);
}

/** 0: they cross at a right angle; 1: they lie along each other. */
function flatnessOf(one: Line, other: Line): number {
	const [ax, ay] = [one.end[0] - one.start[0], one.end[1] - one.start[1]];
	const [bx, by] = [other.end[0] - other.start[0], other.end[1] - other.start[1]];
	return Math.abs(ax * bx + ay * by) / (Math.hypot(ax, ay) * Math.hypot(bx, by) || 1);
}
