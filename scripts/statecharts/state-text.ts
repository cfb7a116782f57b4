import { CHART_TEXT } from '../../src/inspect/chart-drawing.ts';
import { type Arrow, toLines } from './arrows.ts';
import type { ModelState } from './chart-model.ts';

/** What is written in a state's box below its name. */
export interface StateText {
	/** What happens in the state beside its transitions. */
	readonly activities: readonly string[];
	/** What it takes without being left. */
	readonly stays: readonly string[];
}

export interface Size {
	readonly width: number;
	readonly height: number;
}

/** Characters on a line before guards go below their event: boxes have more room than arrows. */
export const LONGEST = { arrow: 22, box: 44 } as const;

export function toStateText(state: ModelState, arrows: readonly Arrow[]): StateText {
	const { entry, exit, invokes } = state;
	const stay = arrows.find(({ isStay, source }) => isStay && source === state.id);
	return {
		activities: [
			...entry.map((action) => `entry ${action}`),
			...exit.map((action) => `exit ${action}`),
			...invokes.map(({ src }) => `invokes ${src}`),
		],
		stays: toLines(stay?.labels ?? [], LONGEST.box),
	};
}

/** Room for a state's own text. */
export function measureState(state: ModelState, { activities, stays }: StateText): Size {
	const { headHeight, padding, nameCharacterWidth } = CHART_TEXT;
	const text = measureLines([...activities, ...stays]);
	const nameWidth = Math.ceil([...state.key].length * nameCharacterWidth);
	return { width: Math.max(text.width, nameWidth) + 2 * padding, height: headHeight + text.height };
}

/** Room for lines of label text, in the widest of the fonts that the drawing asks for. */
export function measureLines(lines: readonly string[]): Size {
	const { characterWidth, lineHeight, padding } = CHART_TEXT;
	const longest = Math.max(0, ...lines.map((line) => [...line].length));
	return {
		width: Math.ceil(longest * characterWidth + padding),
		height: lines.length * lineHeight + padding / 2,
	};
}
