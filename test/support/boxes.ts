import type { Box, DrawnTransition } from '../../src/inspect/chart-drawing.ts';

/** Whether two boxes share more than a border. */
export function isOverlapping(a: Box, b: Box): boolean {
	return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

export function isWithin(inner: Box, outer: Box): boolean {
	return (
		inner.x >= outer.x &&
		inner.y >= outer.y &&
		inner.x + inner.width <= outer.x + outer.width &&
		inner.y + inner.height <= outer.y + outer.height
	);
}

/** Whether a line of upright and level pieces passes through a box. */
export function crossedBy(box: Box, points: DrawnTransition['points']): boolean {
	return points.some(([x, y], index) => {
		const before = points[index - 1];
		if (!before) return false;
		const [width, height] = [Math.abs(x - before[0]), Math.abs(y - before[1])];
		// A line has no width of its own: given a little, the test for boxes serves.
		return isOverlapping(box, {
			x: Math.min(x, before[0]) - 0.5,
			y: Math.min(y, before[1]) - 0.5,
			width: width + 1,
			height: height + 1,
		});
	});
}
