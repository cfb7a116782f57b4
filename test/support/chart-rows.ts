import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** A transition as the documentation must show it; read from the machine here, apart from the generator. */
export interface ChartRow {
	/** Ids of state nodes. */
	readonly source: string;
	readonly targets: readonly string[];
	/** "event [guard]". */
	readonly label: string;
	readonly actions: readonly string[];
	/** Whether a transition to the source itself enters it anew. */
	readonly isAgain: boolean;
}

/** The machine's own states and transitions, in the order of the code. */
export function toMachineRows(machine: AnyStateMachine): {
	readonly states: readonly string[];
	readonly transitions: readonly ChartRow[];
	/** States in which another begins. */
	readonly initial: readonly string[];
	readonly facts: readonly {
		readonly state: string;
		readonly tags: readonly string[];
		readonly services: readonly string[];
	}[];
} {
	const nodes: AnyStateNode[] = [];
	const visit = (node: AnyStateNode) => {
		nodes.push(node);
		for (const child of Object.values(node.states)) visit(child);
	};
	visit(machine.root);
	return {
		states: nodes.map(({ id }) => id),
		initial: nodes.filter((node) => node.parent?.config.initial === node.key).map(({ id }) => id),
		facts: nodes.map(({ id, tags, invoke }) => ({
			state: id,
			tags,
			services: invoke.map(({ src }) => nameOf(src)),
		})),
		transitions: nodes.flatMap((node) =>
			[...[...node.transitions.values()].flat(), ...(node.always ?? [])].map(
				({ eventType, guard, target, actions, reenter }) => ({
					source: node.id,
					targets: (target ?? []).map(({ id }: AnyStateNode) => id),
					label: [toWords(eventType), guard === undefined ? '' : `[${nameOf(guard)}]`].join(' ').trim(),
					actions: actions.map(nameOf),
					isAgain: reenter && target?.[0] === node,
				}),
			),
		),
	};
}

/** The table "What leads where" of a page, its empty cells filled from above. */
export function readTransitionRows(page: string, id: string): readonly ChartRow[] {
	const [, section = ''] = page.split('\n## What leads where\n');
	const lines = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '));
	let [source, event] = ['', ''];
	const toId = (path: string) => (path === id ? id : `${id}.${path}`);
	return lines.slice(2).map((line) => {
		const [state = '', name = '', to = '', actions = ''] = line.slice(2, -2).split(' | ');
		const named = namesIn(state)[0];
		if (named !== undefined) source = toId(named);
		event = namesIn(name)[0] ?? event;
		const guard = /\[`(\w+)`\]$/.exec(to)?.[1];
		const isAgain = to.startsWith('again');
		const targets = [...to.matchAll(/\[`([^`]+)`\]\(/g)].map(([, path = '']) => toId(path));
		return {
			source,
			targets: isAgain ? [source] : targets,
			label: guard === undefined ? event : `${event} [${guard}]`,
			actions: namesIn(actions),
			isAgain,
		};
	});
}

function namesIn(cell: string): readonly string[] {
	return [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function toWords(event: string): string {
	const [, , kind = '', ...rest] = event.split('.');
	if (event === '') return 'always';
	if (event.startsWith('xstate.done.actor.')) return `${rest.join('.')} done`;
	if (event.startsWith('xstate.error.actor.')) return `${rest.join('.')} error`;
	return event.startsWith('xstate.after.') ? `after ${kind}` : event;
}

function nameOf(named: unknown): string {
	return typeof named === 'string' ? named : (named as { readonly type: string }).type;
}
