import type { ChartModel, ModelState, ModelTransition } from './chart-model.ts';
import { readInterface, readInterfaces } from './contract.ts';
import { GENERATED, toCode, toDocument, toTable } from './markdown.ts';
import { type ChartProse, toPath, toVocabulary } from './prose.ts';
import { linkReferences, toStateLink } from './references.ts';
import { RULES } from './rules.ts';
import { writeMermaid } from './write-mermaid.ts';

/** The page of one machine. `charts`: all of them, for the references. */
export function writePage(chart: ChartModel, prose: ChartProse, charts: readonly ChartModel[]): string {
	const link = (text: string) => linkReferences(text, charts, chart.id);
	const words = toVocabulary(chart);
	return toDocument([
		GENERATED,
		`# The ${chart.id} machine`,
		link(prose.intro),
		`[All statecharts](README.md) · the code: [${chart.id}.machine.ts](../../src/machines/${chart.id}.machine.ts)`,
		'## The chart',
		`![The ${chart.id} machine](${chart.id}.svg)`,
		'A dot marks where a state begins. An event has its guard in brackets; without one it holds if no guarded one before it does. What stands inside a box happens without leaving the state.',
		'The same as a diagram of GitHub’s own, with long labels shortened:',
		`\`\`\`mermaid\n${writeMermaid(chart)}\n\`\`\``,
		'## States',
		...chart.states.flatMap((state) =>
			writeState(state, chart, link(prose.states[toPath(state.id, chart.id)] ?? '')),
		),
		'## What leads where',
		'Where several lines share an event, the first whose guard holds is taken. “stays” leaves the state as it is; “again” leaves and enters it, so that its services and delays start anew.',
		toTable(
			['in', 'on', 'to [guard]', 'actions, in order'],
			chart.transitions.map((one, index) => writeTransition(one, chart, index)),
		),
		'## Why it is so',
		...prose.why.flatMap(({ heading, text }) => [`### ${heading}`, link(text)]),
		'## Rules',
		'Tests cite them by these ids.',
		prose.rules.map((id) => `- **${id}** ${RULES[id]}`).join('\n'),
		...section(
			'## Delays',
			['delay', 'length', 'in', ''],
			chart.delays.map(({ name, ms, states }) => [
				`\`${name}\``,
				ms === null ? `computed by \`${name}\`` : `${ms} ms`,
				states.map((id) => toStateLink(id, chart.id)).join(', '),
				link(prose.delays[name] ?? ''),
			]),
		),
		...writeServices(chart, prose, link),
		...section(
			'## Spawned machines',
			['machine', ''],
			words.spawned.map((name) => [`\`${name}\``, link(prose.spawned[name] ?? '')]),
		),
		...section(
			'## Tags',
			['tag', 'states', ''],
			words.tags.map((tag) => [
				`\`${tag}\``,
				chart.states
					.filter(({ tags }) => tags.includes(tag))
					.map(({ id }) => toStateLink(id, chart.id))
					.join(', '),
				link(prose.tags[tag] ?? ''),
			]),
		),
		'## The chart’s words',
		...section(
			'### Events',
			['event', ''],
			words.events.map((name) => [`\`${name}\``, link(prose.events[name] ?? '')]),
		),
		...section(
			'### Guards',
			['guard', 'holds if'],
			words.guards.map((name) => [`\`${name}\``, link(prose.guards[name] ?? '')]),
		),
		...section(
			'### Actions',
			['action', ''],
			words.actions.map((name) => [`\`${name}\``, link(prose.actions[name] ?? '')]),
		),
	]);
}

function writeState(state: ModelState, chart: ChartModel, text: string): readonly string[] {
	const facts = [
		state.isParallel ? 'All its regions are active at once.' : '',
		state.isInitial
			? `Where ${state.parent === chart.id ? 'the machine' : `\`${toPath(state.parent ?? '', chart.id)}\``} begins.`
			: '',
		state.tags.length > 0 ? `Tags: ${toCode(state.tags)}.` : '',
		state.invokes.length > 0 ? `Invokes ${toCode(state.invokes.map(({ src }) => src))}.` : '',
		state.entry.length > 0 ? `On entry: ${toCode(state.entry)}.` : '',
		state.exit.length > 0 ? `On exit: ${toCode(state.exit)}.` : '',
	];
	return [
		`### ${toPath(state.id, chart.id) || chart.id}`,
		text,
		facts.filter((fact) => fact !== '').join(' '),
	];
}

function writeTransition(transition: ModelTransition, chart: ChartModel, index: number): readonly string[] {
	const before = chart.transitions[index - 1];
	const isSameState = before?.source === transition.source;
	const isSameEvent = isSameState && before?.event === transition.event;
	const { targets, guard, reenter, source } = transition;
	const target =
		targets.map((id) => (id === source ? 'again' : toStateLink(id, chart.id))).join(', ') || 'stays';
	return [
		isSameState ? '' : toStateLink(source, chart.id),
		isSameEvent ? '' : `\`${transition.name}\``,
		[
			targets.includes(source) && !reenter ? toStateLink(source, chart.id) : target,
			guard === null ? '' : `[\`${guard}\`]`,
		]
			.filter((part) => part !== '')
			.join(' '),
		toCode(transition.actions),
	];
}

function writeServices(
	chart: ChartModel,
	prose: ChartProse,
	link: (text: string) => string,
): readonly string[] {
	const invoked = chart.states.flatMap((state) =>
		state.invokes.map((invoke) => ({ ...invoke, state: state.id })),
	);
	const names = [...new Set(invoked.map(({ src }) => src))];
	const declarations = readInterfaces(
		names.flatMap((name) => [prose.services[name]?.input ?? '', prose.services[name]?.output ?? '']),
	);
	const rows = names.map((name) => {
		const service = prose.services[name];
		const where = invoked.filter(({ src }) => src === name).map(({ state }) => toStateLink(state, chart.id));
		const type = (text = '') => (readInterface(text) === null ? text : `\`${text}\``);
		return [
			`\`${name}\``,
			where.join(', '),
			type(service?.input),
			type(service?.output),
			link(service?.does ?? ''),
		];
	});
	const contract = declarations.length > 0 ? `\`\`\`ts\n${declarations.join('\n\n')}\n\`\`\`` : '';
	return [...section('## Services', ['service', 'in', 'input', 'output', ''], rows), contract];
}

function section(
	heading: string,
	head: readonly string[],
	rows: readonly (readonly string[])[],
): readonly string[] {
	return rows.length === 0 ? [] : [heading, toTable(head, rows)];
}
