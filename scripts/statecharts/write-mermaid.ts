import { type Arrow, toArrows, toLabel } from './arrows.ts';
import { type ChartModel, type ModelState, stateOf } from './chart-model.ts';
import { toPath } from './prose.ts';

/** Characters of an arrow's label before it is shortened. */
const LONGEST = 44;

/**
 * The chart as a Mermaid `stateDiagram-v2`: an arrow for a pair of states, its events joined. What does not leave a
 * state is left to the tables below the diagram, and so are the loops of composite states, which Mermaid cannot draw.
 */
export function writeMermaid(chart: ChartModel): string {
	const isNested = !toArrows(chart).some((arrow) => isCrossing(arrow, chart));
	return ['stateDiagram-v2', ...(isNested ? writeNested(chart) : writeFlat(chart))].join('\n');
}

/** Composite states around their children. */
function writeNested(chart: ChartModel): readonly string[] {
	const arrows = toArrows(chart).filter(({ isStay, source, target }) => {
		return !isStay && (source !== target || childrenOf(chart, source).length === 0);
	});
	return [...writeChildren(rootOf(chart), chart, 1), ...arrows.map(writeArrow)];
}

function writeChildren(parent: ModelState, chart: ChartModel, depth: number): readonly string[] {
	const indent = '\t'.repeat(depth);
	const children = childrenOf(chart, parent.id);
	const initial = children.find(({ isInitial }) => isInitial);
	const inner = children.flatMap((child): readonly string[] => {
		const declaration = `${indent}state "${child.key}" as ${toId(child.id)}`;
		if (childrenOf(chart, child.id).length === 0) return [declaration];
		return [`${declaration} {`, ...writeChildren(child, chart, depth + 1), `${indent}}`];
	});
	return [...(initial ? [`${indent}[*] --> ${toId(initial.id)}`] : []), ...inner];
}

/**
 * Where arrows lead across the border of a composite state, Mermaid lays labels over one another. Then only the
 * innermost states are drawn: what leads to a composite one leads to where that begins, and a composite one that is
 * left from anywhere in it stands beside them.
 */
function writeFlat(chart: ChartModel): readonly string[] {
	const transitions = chart.transitions.map((transition) => ({
		...transition,
		targets: transition.targets.map((id) => beginningOf(chart, id)),
	}));
	const arrows = toArrows({ ...chart, transitions }).filter(({ isStay }) => !isStay);
	const drawn = chart.states.filter(({ id }) => {
		return childrenOf(chart, id).length === 0 || arrows.some(({ source }) => source === id);
	});
	return [
		`\t[*] --> ${toId(beginningOf(chart, chart.id))}`,
		...drawn.map(({ id }) => `\tstate "${toFlatName(id, chart)}" as ${toId(id)}`),
		...arrows.map(writeArrow),
	];
}

function toFlatName(id: string, chart: ChartModel): string {
	const path = toPath(id, chart.id);
	if (childrenOf(chart, id).length === 0) return path;
	return path === '' ? 'anywhere' : `anywhere in ${path}`;
}

/** The innermost state in which a state begins. */
function beginningOf(chart: ChartModel, id: string): string {
	const initial = childrenOf(chart, id).find(({ isInitial }) => isInitial);
	return initial ? beginningOf(chart, initial.id) : id;
}

function isCrossing({ source, target }: Arrow, chart: ChartModel): boolean {
	return stateOf(chart, source).parent !== stateOf(chart, target).parent;
}

function childrenOf({ states }: ChartModel, id: string): readonly ModelState[] {
	return states.filter(({ parent }) => parent === id);
}

function rootOf({ states }: ChartModel): ModelState {
	const [root] = states;
	if (!root) throw new Error('The chart has no states.');
	return root;
}

function writeArrow({ source, target, labels }: Arrow): string {
	return `\t${toId(source)} --> ${toId(target)}: ${shorten(labels)}`;
}

/** All labels, else the events alone, else as many events as fit. */
function shorten(labels: Arrow['labels']): string {
	const full = labels.map(toLabel).join(', ');
	if (full.length <= LONGEST) return full;
	const names = [...new Set(labels.map(({ name }) => name))];
	const kept = names.filter(
		(_, index) => index === 0 || names.slice(0, index + 1).join(', ').length <= LONGEST,
	);
	return kept.length === names.length ? names.join(', ') : `${kept.join(', ')}, …`;
}

function toId(stateId: string): string {
	return stateId.replaceAll('.', '_');
}
