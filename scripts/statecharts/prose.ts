import type { ChartModel } from './chart-model.ts';
import type { RuleId } from './rules.ts';

/** What the chart itself cannot say: the meaning of its names, and why it is as it is. */
export interface ChartProse {
	/** The page's first paragraphs. */
	readonly intro: string;
	readonly why: readonly { readonly heading: string; readonly text: string }[];
	/** By the state's path below the root, such as 'gate.open'; the root's own is ''. */
	readonly states: Texts;
	/** By the name that the reader sees, such as 'upload done'. */
	readonly events: Texts;
	readonly guards: Texts;
	readonly actions: Texts;
	readonly delays: Texts;
	readonly services: Readonly<Record<string, ServiceProse>>;
	/** Actors that an action spawns. */
	readonly spawned: Texts;
	readonly tags: Texts;
	readonly rules: readonly RuleId[];
}

export type Texts = Readonly<Record<string, string>>;

export interface ServiceProse {
	readonly does: string;
	/** A type of the services' contract, or in words. */
	readonly input: string;
	readonly output: string;
}

/** Names that a chart uses, by the part of the prose that explains them. */
type Vocabulary = Readonly<Record<(typeof PARTS)[number], readonly string[]>>;

const PARTS = ['states', 'events', 'guards', 'actions', 'delays', 'services', 'spawned', 'tags'] as const;

/** Throws, with all of them, where a name of the chart has no text, or a text explains no name of the chart. */
export function assertComplete(chart: ChartModel, prose: ChartProse): void {
	const vocabulary = toVocabulary(chart);
	const faults = PARTS.flatMap((part) => {
		const [needed, given] = [vocabulary[part], Object.keys(prose[part])];
		return [
			...needed.filter((name) => !given.includes(name)).map((name) => `${part}: no text for '${name}'`),
			...given.filter((name) => !needed.includes(name)).map((name) => `${part}: the chart has no '${name}'`),
		];
	});
	if (faults.length > 0) {
		throw new Error(`The prose of the chart '${chart.id}' does not fit it:\n  ${faults.join('\n  ')}`);
	}
}

/** All names of a chart, each once, in the order of the code. */
export function toVocabulary({ id, states, transitions, delays, spawned }: ChartModel): Vocabulary {
	const actions = [
		...states.flatMap(({ entry, exit }) => [...entry, ...exit]),
		...transitions.flatMap((transition) => transition.actions),
	];
	return {
		states: states.map((state) => toPath(state.id, id)),
		events: unique(transitions.map(({ name }) => name)),
		guards: unique(transitions.flatMap(({ guard }) => (guard === null ? [] : [guard]))),
		actions: unique(actions),
		delays: delays.map(({ name }) => name),
		services: unique(states.flatMap(({ invokes }) => invokes.map(({ src }) => src))),
		spawned,
		tags: unique(states.flatMap(({ tags }) => tags)),
	};
}

/** A state's path below the root: 'gate.open' of 'sync.gate.open'; '' is the root. */
export function toPath(stateId: string, chartId: string): string {
	return stateId === chartId ? '' : stateId.slice(chartId.length + 1);
}

function unique(names: readonly string[]): readonly string[] {
	return [...new Set(names)];
}
