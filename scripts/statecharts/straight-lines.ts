import type { Box, DrawnTransition } from '../../src/inspect/chart-drawing.ts';

export type Point = readonly [x: number, y: number];

/** An arrow from one state to another, or to itself. */
export interface Ends {
	readonly source: string;
	readonly target: string;
}

/** A straight line from border to border. */
export interface Line extends Ends {
	readonly start: Point;
	readonly end: Point;
}

/** Two lines that join the same states lie this far from the middle, each on its own right. */
const APART = 3.5;
/** How near an end comes to a corner of its box, which is round, and the size of a loop. */
const CORNER = 7;
const LOOP = { width: 18, height: 12 } as const;

/** Lines from the middle of one box towards the middle of the other. Loops are left to {@link toLoop}. */
export function toLines(arrows: readonly Ends[], boxOf: (id: string) => Box): readonly Line[] {
	return arrows
		.filter(({ source, target }) => source !== target)
		.map(({ source, target }) => {
			const isTwoWay = arrows.some((other) => other.source === target && other.target === source);
			const [from, to] = [boxOf(source), boxOf(target)];
			const [[x, y], [toX, toY]] = [middleOf(from), middleOf(to)];
			const share = (isTwoWay ? APART : 0) / (Math.hypot(toX - x, toY - y) || 1);
			const [asideX, asideY] = [-(toY - y) * share, (toX - x) * share];
			const a: Point = [x + asideX, y + asideY];
			const b: Point = [toX + asideX, toY + asideY];
			return { source, target, start: leave(from, a, b), end: leave(to, b, a) };
		});
}

/** A small loop above or below a box, at whichever of its corners is the most room beside the lines. */
export function toLoop(box: Box, lines: readonly Line[]): DrawnTransition['points'] {
	const [top, bottom] = [box.y, box.y + box.height];
	const lefts = [box.x + box.width - CORNER - LOOP.width, box.x + CORNER];
	const places = lefts.flatMap((left) => [
		{ left, y: top, far: top - LOOP.height },
		{ left, y: bottom, far: bottom + LOOP.height },
	]);
	const roomAt = ({ left, y, far }: (typeof places)[number]) =>
		Math.min(...lines.map((line) => distance([left + LOOP.width / 2, (y + far) / 2], line)));
	const best = places.reduce((one, other) => (roomAt(other) > roomAt(one) ? other : one));
	const right = best.left + LOOP.width;
	return [
		[best.left, best.y],
		[best.left, best.far],
		[right, best.far],
		[right, best.y],
	];
}

/** How far a point is from a line. */
export function distance([x, y]: Point, { start, end }: Pick<Line, 'start' | 'end'>): number {
	const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
	const along = ((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy || 1);
	const share = Math.min(1, Math.max(0, along));
	return Math.hypot(start[0] + share * dx - x, start[1] + share * dy - y);
}

function middleOf({ x, y, width, height }: Box): Point {
	return [x + width / 2, y + height / 2];
}

/** Where the way from `a`, inside the box, to `b` crosses its border, but off the corners. */
function leave({ x, y, width, height }: Box, a: Point, b: Point): Point {
	const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
	const byX = dx === 0 ? Number.POSITIVE_INFINITY : ((dx > 0 ? x + width : x) - a[0]) / dx;
	const byY = dy === 0 ? Number.POSITIVE_INFINITY : ((dy > 0 ? y + height : y) - a[1]) / dy;
	if (byX < byY) return [a[0] + dx * byX, within(a[1] + dy * byX, y + CORNER, y + height - CORNER)];
	return [within(a[0] + dx * byY, x + CORNER, x + width - CORNER), a[1] + dy * byY];
}

function within(value: number, least: number, most: number): number {
	return Math.min(most, Math.max(least, value));
}
