import type { Box } from '../../src/inspect/chart-drawing.ts';
import type { Line, Point } from './straight-lines.ts';

/** The end of a line, or of the two to and fro between two states, on a side of a box: they move as one. */
interface Stand {
	readonly ends: readonly End[];
	/** Of the upright and the level: moved, they would be so no more. */
	readonly isHeld: boolean;
	/** From the box's left or upper edge, px. */
	from: number;
	to: number;
}

interface End {
	readonly line: Line;
	readonly isStart: boolean;
	readonly at: number;
}

type Axis = 0 | 1;

/** Between two stands on a side, and from a corner of the box, px. */
const APART = 9;
const CORNER = 7;
const ROUNDS = 100;

/** The lines with their ends moved along the sides of the boxes, so that none is too near to its neighbour. */
export function spreadEnds(lines: readonly Line[], boxOf: (id: string) => Box): readonly Line[] {
	const moved = new Map<Line, { start: Point; end: Point }>(
		lines.map((line) => [line, { start: line.start, end: line.end }]),
	);
	for (const id of new Set(lines.flatMap(({ source, target }) => [source, target]))) {
		const { x, y, width, height } = boxOf(id);
		for (const side of [x, x + width]) spreadSide(id, 1, side, y, height);
		for (const side of [y, y + height]) spreadSide(id, 0, side, x, width);
	}
	return lines.map((line) => ({ ...line, ...moved.get(line) }));

	/** @param axis along which the side runs, from `edge` on; on the other axis it is at `side`. */
	function spreadSide(id: string, axis: Axis, side: number, edge: number, length: number): void {
		const endsAt = (point: Point, state: string) => state === id && point[1 - axis] === side;
		const ends = lines.flatMap((line): readonly End[] => [
			...(endsAt(line.start, line.source) ? [{ line, isStart: true, at: line.start[axis] - edge }] : []),
			...(endsAt(line.end, line.target) ? [{ line, isStart: false, at: line.end[axis] - edge }] : []),
		]);
		const stands = toStands(ends, axis);
		const before = stands.map(({ from }) => from);
		push(stands, length);
		for (const [index, { ends: shifted, from }] of stands.entries()) {
			for (const { line, isStart, at } of shifted) {
				const to = edge + at + from - (before[index] ?? from);
				const point: Point = axis === 0 ? [to, side] : [side, to];
				const now = moved.get(line);
				if (now) moved.set(line, isStart ? { ...now, start: point } : { ...now, end: point });
			}
		}
	}
}

function toStands(ends: readonly End[], axis: Axis): readonly Stand[] {
	const pairOf = ({ line: { source, target } }: End) => [source, target].sort().join(' ');
	return [...new Set(ends.map(pairOf))]
		.map((pair) => ends.filter((end) => pairOf(end) === pair))
		.map((group) => ({
			ends: group,
			isHeld: group.some(({ line: { start, end } }) => start[axis] === end[axis]),
			from: Math.min(...group.map(({ at }) => at)),
			to: Math.max(...group.map(({ at }) => at)),
		}))
		.sort((a, b) => a.from + a.to - b.from - b.to);
}

/** Neighbours that are too near push each other off, again and again; corners, and what is held, stand. */
function push(stands: readonly Stand[], length: number): void {
	for (let round = 0; round < ROUNDS; round++) {
		for (const [index, stand] of stands.entries()) {
			const next = stands[index + 1];
			const lack = next ? APART - (next.from - stand.to) : 0;
			if (!next || lack <= 0 || (stand.isHeld && next.isHeld)) continue;
			const share = stand.isHeld ? 0 : next.isHeld ? 1 : 0.5;
			move(stand, -lack * share);
			move(next, lack * (1 - share));
		}
		for (const stand of stands) {
			move(stand, Math.max(0, CORNER - stand.from));
			move(stand, Math.min(0, length - CORNER - stand.to));
		}
	}
}

function move(stand: Stand, by: number): void {
	stand.from += by;
	stand.to += by;
}
