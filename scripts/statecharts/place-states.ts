import type { Box } from '../../src/inspect/chart-drawing.ts';
import { toCost } from './drawing-cost.ts';
import type { Size } from './state-text.ts';
import { type Ends, toLines } from './straight-lines.ts';

/** A cell of the grid for each state, in the states' order. */
type Places = readonly number[];

const COLUMNS = 3;
/** Px between two columns, and between two rows: those of a column stand two rows apart or more. */
const GAP = { column: 51, row: 14 } as const;
/** About one climb in eight ends within a hundredth of the best that is known. */
const STARTS = 20;
/** What a px costs of the first state's way from the left and the top, and of the height of all; and two boxes too near. */
const COST = { firstX: 0.2, firstY: 0.1, height: 0.3, cramped: 1_000_000 } as const;

/**
 * Places for states of one size that nearly all lead to each other: three columns, in which straight arrows cross as
 * little as a search can find. (In layers each state would need one of its own, and the drawing would be a band.)
 * The same states and arrows always get the same places.
 *
 * @param ids the first is where the machine begins
 * @returns boxes, some of which touch x = 0 and some y = 0
 */
export function placeStates(
	ids: readonly string[],
	arrows: readonly Ends[],
	size: Size,
): ReadonlyMap<string, Box> {
	// One row more than the states need, so that a column may stand between the rows of its neighbour.
	const cells = COLUMNS * (2 * Math.ceil(ids.length / COLUMNS) + 1);
	const random = createRandom();
	const climbs = Array.from({ length: STARTS }, () => climb(shuffle(cells, random).slice(0, ids.length)));
	const best = climbs.reduce((one, other) => (costOf(other) < costOf(one) ? other : one));
	return boxesAt(best);

	/** Moves or swaps states one at a time, always by the best move, until none is better. */
	function climb(from: Places): Places {
		const steps = ids.flatMap((_, index) =>
			Array.from({ length: cells }, (__, cell) => moved(from, index, cell)),
		);
		const next = steps
			.map((places) => ({ places, cost: costOf(places) }))
			.reduce((one, other) => (other.cost < one.cost ? other : one), { places: from, cost: costOf(from) });
		return next.places === from ? from : climb(next.places);
	}

	function costOf(places: Places): number {
		const cramped = places.filter((cell) => places.includes(cell + COLUMNS)).length;
		if (cramped > 0) return cramped * COST.cramped;
		const boxes = boxesAt(places);
		const [first] = boxes.values();
		const bottom = Math.max(...[...boxes.values()].map(({ y }) => y));
		return (
			toCost(
				boxes,
				toLines(arrows, (id) => boxes.get(id) ?? { x: 0, y: 0, ...size }),
			) +
			bottom * COST.height +
			(first ? first.x * COST.firstX + first.y * COST.firstY : 0)
		);
	}

	function boxesAt(places: Places): ReadonlyMap<string, Box> {
		const at = places.map((cell) => ({ column: cell % COLUMNS, row: Math.floor(cell / COLUMNS) }));
		const left = Math.min(...at.map(({ column }) => column));
		const top = Math.min(...at.map(({ row }) => row));
		return new Map(
			at.map(({ column, row }, index) => {
				const x = (column - left) * (size.width + GAP.column);
				return [ids[index] ?? '', { x, y: (row - top) * (size.height + GAP.row), ...size }];
			}),
		);
	}
}

/** The state goes to the cell, and who stands there to where it came from. */
function moved(places: Places, index: number, cell: number): Places {
	const from = places[index] ?? cell;
	return places.map((place, at) => (at === index ? cell : place === cell ? from : place));
}

function shuffle(count: number, random: () => number): readonly number[] {
	const cells = Array.from({ length: count }, (_, cell) => ({ cell, rank: random() }));
	return cells.sort((a, b) => a.rank - b.rank).map(({ cell }) => cell);
}

/** The minimal standard generator of Park and Miller: whole numbers, the same on every machine. */
function createRandom(): () => number {
	let state = 1;
	return () => {
		state = (state * 48_271) % 2_147_483_647;
		return state;
	};
}
