import { describe, expect, it } from 'vitest';
import { layoutOverview } from '../../scripts/statecharts/layout-overview.ts';
import { readChart } from '../../scripts/statecharts/read-chart.ts';
import { type Box, CHART_TEXT, type DrawnState } from '../../src/inspect/chart-drawing.ts';
import { OVERVIEWS } from '../../src/inspect/charts.generated.ts';
import { renderChart } from '../../src/inspect/render-chart.ts';
import { networkMachine, syncMachine, tableMachine } from '../../src/machines/index.ts';
import { isOverlapping, isWithin } from '../support/boxes.ts';
import { toMachineRows } from '../support/chart-rows.ts';

type Point = readonly [x: number, y: number];

/** Points along a line, a px apart or less. */
function alongLine(points: readonly Point[]): readonly Point[] {
	return points.slice(1).flatMap(([x, y], index) => {
		const [fromX, fromY] = points[index] ?? [x, y];
		const steps = Math.ceil(Math.hypot(x - fromX, y - fromY)) || 1;
		return Array.from({ length: steps + 1 }, (_, step): Point => {
			return [fromX + ((x - fromX) * step) / steps, fromY + ((y - fromY) * step) / steps];
		});
	});
}

/** How far inside a box a point is; negative: outside. */
function depthIn({ x, y, width, height }: Box, [atX, atY]: Point): number {
	return Math.min(atX - x, x + width - atX, atY - y, y + height - atY);
}

interface Straight {
	readonly start: Point;
	readonly end: Point;
}

function isCrossing(one: Straight, other: Straight): boolean {
	const side = ({ start, end }: Straight, [x, y]: Point) =>
		Math.sign((end[0] - start[0]) * (y - start[1]) - (end[1] - start[1]) * (x - start[0]));
	return (
		side(one, other.start) * side(one, other.end) < 0 && side(other, one.start) * side(other, one.end) < 0
	);
}

const isAround = (outer: string, inner: string) => inner.startsWith(`${outer}.`);

describe.each([
	{ id: 'table' as const, machine: tableMachine },
	{ id: 'sync' as const, machine: syncMachine },
])('the overview of $id', ({ id, machine }) => {
	const { width, height, states, transitions } = OVERVIEWS[id];
	const drawing: Box = { x: 0, y: 0, width, height };
	const rows = toMachineRows(machine);
	const leaves = states.filter(({ kind }) => kind === 'atomic');
	const stateOf = (name: string): DrawnState => {
		const state = states.find((one) => one.id === name);
		if (!state) throw new Error(`no ${name}`);
		return state;
	};

	it('[S29] shows every state of the machine but the root, and no other', () => {
		expect(states.map((state) => state.id)).toEqual(rows.states.filter((state) => state !== id));
		expect(states.filter(({ isInitial }) => isInitial).map((state) => state.id)).toEqual(rows.initial);
	});

	it('[S29] shows every ordered pair of states with a transition once, and no other', () => {
		const pairs = rows.transitions.flatMap(({ source, targets }) =>
			targets.map((target) => `${source} > ${target}`),
		);
		expect(pairs.length).toBeGreaterThan(10);
		expect(transitions.map(({ source, target }) => `${source} > ${target}`).sort()).toEqual(
			[...new Set(pairs)].sort(),
		);
	});

	it('has no two boxes overlap, and each within what is around it', () => {
		const faults = states.flatMap((one, index) => [
			...(isWithin(one, drawing) ? [] : [`${one.id} sticks out`]),
			...states.slice(index + 1).flatMap((other) => {
				if (isAround(one.id, other.id)) return isWithin(other, one) ? [] : [`${other.id} leaves ${one.id}`];
				return isOverlapping(one, other) ? [`${one.id} / ${other.id}`] : [];
			}),
		]);
		expect(faults).toEqual([]);
	});

	it('leads each line from border to border, within the drawing and through no other state', () => {
		const faults = transitions.flatMap(({ source, target, points }) => {
			const line = alongLine(points);
			const ends = [
				[source, line[0]],
				[target, line.at(-1)],
			] as const;
			const name = `${source} > ${target}`;
			return [
				...ends.flatMap(([end, at]) =>
					at && Math.abs(depthIn(stateOf(end), at)) <= 1 ? [] : [`${name} misses ${end}`],
				),
				...(line.every((at) => depthIn(drawing, at) >= 0) ? [] : [`${name} leaves the drawing`]),
				...leaves
					.filter((leaf) => line.some((at) => depthIn(leaf, at) > 1))
					.map((leaf) => `${name} runs through ${leaf.id}`),
			];
		});
		expect(transitions.every(({ points }) => points.length >= 2)).toBe(true);
		expect(faults).toEqual([]);
	});

	it('tells arrows apart: none lies upon another, and no two end at one place', () => {
		const ends = transitions.flatMap(({ source, target, points }) => {
			const [start, end] = [points[0], points.at(-1)];
			return start && end
				? [
						{ name: `${source} > ${target}`, at: start },
						{ name: `${source} > ${target}`, at: end },
					]
				: [];
		});
		const near = ends.flatMap((one, index) =>
			ends.slice(index + 1).flatMap((other) => {
				const far = Math.hypot(one.at[0] - other.at[0], one.at[1] - other.at[1]);
				return far < 6 ? [`${one.name} / ${other.name}: ${far.toFixed(1)} px`] : [];
			}),
		);
		expect(near).toEqual([]);
	});

	it('has few arrows cross: fewer times than there are arrows', () => {
		const straight = transitions.flatMap(({ points: [start, end, ...corners] }) =>
			start && end && corners.length === 0 ? [{ start, end }] : [],
		);
		const crossings = straight.flatMap((one, index) =>
			straight.slice(index + 1).filter((other) => isCrossing(one, other)),
		);
		expect(straight.length).toBeGreaterThan(5);
		expect(crossings.length).toBeLessThan(straight.length);
	});

	it('has leaves of one size, with room for each name, and no label', () => {
		const sizes = new Set(leaves.map((leaf) => `${leaf.width} x ${leaf.height}`));
		expect(sizes.size).toBe(1);
		for (const { label, width: room } of leaves) {
			expect(label.length * CHART_TEXT.nameCharacterWidth).toBeLessThanOrEqual(room);
		}
		expect(transitions.flatMap(({ labels }) => labels)).toEqual([]);
		expect(states.flatMap(({ activities }) => activities)).toEqual([]);
		expect(renderChart(OVERVIEWS[id])).not.toContain('class="label"');
	});

	it('is legible in 500 px, at most 260 px high, and in 300 px', () => {
		expect(width / height).toBeGreaterThan(1.5);
		const wide = Math.min(500 / width, 260 / height);
		expect(CHART_TEXT.nameSize * wide).toBeGreaterThanOrEqual(11);
		expect((CHART_TEXT.nameSize * 300) / width).toBeGreaterThanOrEqual(9);
	});
});

describe('the overview of the root', () => {
	it('[S29] has its regions side by side, of one height', () => {
		const regions = OVERVIEWS.sync.states.filter(({ kind }) => kind === 'region');
		expect(regions.map(({ label }) => label)).toEqual(['gate', 'schedule', 'run']);
		expect(new Set(regions.map(({ y, height }) => `${y} ${height}`)).size).toBe(1);
		const lefts = regions.map(({ x }) => x);
		expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
	});
});

describe('an overview', () => {
	it('is refused for a chart whose root has arrows of its own', async () => {
		await expect(layoutOverview(readChart(networkMachine))).rejects.toThrow('arrows of its root');
	});
});
