import type { ChartModel, ModelTransition } from './chart-model.ts';

/** Transitions that share a line in a diagram. */
export interface Arrow {
	readonly source: string;
	readonly target: string;
	/** The source is not left: no line, the labels stand in its box. */
	readonly isStay: boolean;
	/** What leads along, in order, without repetition. */
	readonly labels: readonly ArrowLabel[];
}

export type ArrowLabel = Pick<ModelTransition, 'name' | 'guard'>;

/** All arrows of a chart: one for a pair of states, and one for what a state takes without being left. */
export function toArrows({ transitions }: ChartModel): readonly Arrow[] {
	const arrows = new Map<string, { source: string; target: string; isStay: boolean; labels: ArrowLabel[] }>();
	for (const transition of transitions) {
		const { source, targets } = transition;
		for (const target of targets.length === 0 ? [null] : targets) {
			const key = `${source} ${target}`;
			const arrow = arrows.get(key) ?? {
				source,
				target: target ?? source,
				isStay: target === null,
				labels: [],
			};
			if (!arrow.labels.some((label) => toLabel(label) === toLabel(transition)))
				arrow.labels.push(transition);
			arrows.set(key, arrow);
		}
	}
	return [...arrows.values()];
}

/** "upload done [hasMore]". */
export function toLabel({ name, guard }: ArrowLabel): string {
	return guard === null ? name : `${name} [${guard}]`;
}

/**
 * Labels as lines of at most `longest` characters, where that can be: an event whose guards do not fit on its line
 * has them below, each on an indented line of its own.
 */
export function toLines(labels: readonly ArrowLabel[], longest: number): readonly string[] {
	const names = [...new Set(labels.map(({ name }) => name))];
	return names.flatMap((name) => {
		const same = labels.filter((label) => label.name === name);
		const lines = same.map(toLabel);
		if (lines.every((line) => line.length <= longest)) return lines;
		const isBare = same.some(({ guard }) => guard === null);
		const guards = same.flatMap(({ guard }) => (guard === null ? [] : [`  [${guard}]`]));
		return [name, ...guards, ...(isBare ? ['  [else]'] : [])];
	});
}
