import { type AnyMachineSnapshot, createEmptyActor } from 'xstate';
import type { Fault } from '../../../src/core/errors.ts';
import type { TableServices } from '../../../src/core/run-contract.ts';
import { tableMachine } from '../../../src/machines/table.machine.ts';
import type { TableContext } from '../../../src/machines/table-context.ts';
import type { TableEvent } from '../../../src/machines/table-protocol.ts';
import { downloaded, fault, resolved, uploaded } from '../table-chart.ts';
import { type Model, type ModelEvent, ownEvents } from './chart-paths.ts';

/** What only the chart itself or its services bring about. */
export type InnerTableEvent =
	| `xstate.${'done' | 'error'}.actor.${Exclude<keyof TableServices, 'endPull'>}`
	| 'xstate.after.backoff.table.backoff';

/** All that can happen to a table, a name for each branch of the guards. */
export const TABLE_EVENTS = {
	'connection.restored': ['connection.restored'],
	'connection.lost': ['connection.lost'],
	'sync.request': ['sync.request'],
	'poke.received': ['poke.received'],
	'xstate.done.actor.upload': ['upload conflicts', 'upload more', 'upload drained'],
	'xstate.done.actor.resolve': ['resolve due', 'resolve settled'],
	'xstate.done.actor.download': ['download more', 'download due', 'download waiting', 'download head'],
	'xstate.error.actor.upload': ['upload unauthorised', 'upload no-answer', 'upload fatal'],
	'xstate.error.actor.resolve': ['resolve unauthorised', 'resolve no-answer', 'resolve fatal'],
	'xstate.error.actor.download': ['download unauthorised', 'download no-answer', 'download fatal'],
	'xstate.after.backoff.table.backoff': ['after backoff'],
} as const satisfies Record<TableEvent['type'] | InnerTableEvent, readonly string[]>;

export type TableEventType = keyof typeof TABLE_EVENTS;
export type TableEventName = (typeof TABLE_EVENTS)[TableEventType][number];

const OUTPUTS: Readonly<Partial<Record<TableEventName, unknown>>> = {
	'upload conflicts': uploaded({ waitingConflicts: 1 }),
	'upload more': uploaded({ uploaded: 1, more: true }),
	'upload drained': uploaded({ uploaded: 1 }),
	'resolve due': resolved({ due: true }),
	'resolve settled': resolved(),
	'download more': downloaded({ more: true }),
	'download due': downloaded({ due: true }),
	'download waiting': downloaded({ waitUntil: 1 }),
	'download head': downloaded(),
};

/** The events of a type as the traversal sends them to the chart. */
export function toModelEvents(type: string, { requested }: TableContext): readonly ModelEvent[] {
	const names = TABLE_EVENTS[type as TableEventType] as readonly TableEventName[] | undefined;
	if (!names) throw new Error(`the chart has an event that the model does not know: ${type}`);
	return names.map((as): ModelEvent => {
		if (as === 'connection.lost') return { type, as, error: fault('no-answer', { code: 'offline' }) };
		if (as === 'sync.request') return { type, as, request: requested + 1, holdDeletes: false };
		if (type.startsWith('xstate.error')) return { type, as, error: fault(as.split(' ')[1] as Fault) };
		return as in OUTPUTS ? { type, as, output: OUTPUTS[as] } : { type, as };
	});
}

/** The table's chart as it ships, or another in its place, with all that its guards look at. */
export function createTableModel(machine: typeof tableMachine = tableMachine): Model {
	return {
		machine,
		input: { table: 'notes', parent: createEmptyActor(), random: () => 0.5, now: () => 0 },
		events: (state) => ownEvents(state).flatMap((type) => toModelEvents(type, state.context)),
		keyOf: toTableKey,
	};
}

export function toTableKey({ value, context }: AnyMachineSnapshot): string {
	const { awaitsSession, requested, served, isPoked, isReauthorised } = context as TableContext;
	return [
		String(value),
		...(awaitsSession ? ['awaits the session'] : []),
		...(requested > served ? ['wanted'] : []),
		...(isPoked ? ['poked'] : []),
		...(isReauthorised ? ['reauthorised'] : []),
	].join(', ');
}
