import { styleText } from 'node:util';
import type { InspectionEvent, SnapshotFrom } from 'xstate';
import type { RowId, SyncAction, SyncResult } from '../../src/index.ts';
import { type ResolvedConflict, tableMachine } from '../../src/machines/index.ts';

type TableSnapshot = SnapshotFrom<typeof tableMachine>;
type Style = Parameters<typeof styleText>[0];

/** Prints what happens, for a terminal of 100 columns. */
export interface Narrator {
	chapter(title: string): void;
	note(text: string): void;
	edit(device: string, action: SyncAction, table: string, id: string, columns: object | null): void;
	pending(device: string, counts: Readonly<Record<string, number>>): void;
	/** For the `inspect` option: the states that a table's machine goes through, printed when it rests. */
	watch(device: string): (event: InspectionEvent) => void;
	conflict(device: string, table: string, conflict: ResolvedConflict): void;
	result(device: string, result: SyncResult): void;
	/** One thing that must be so, and in how far it is not. */
	check(what: string, differences: readonly string[]): void;
}

const OUTCOMES: Record<ResolvedConflict['outcome'], string> = {
	local: 'this device wins',
	remote: 'the server stands',
	merged: 'merged, column by column',
	deleted: 'the resolver deletes the row',
	recreated: 'deleted at the server, created anew',
	'dead-letter': 'the delete stands, the edit is kept aside',
	deferred: 'put off',
	parked: 'waits for somebody to decide',
};

const isColourful = process.stdout.isTTY === true && !process.env.NO_COLOR;

/** @param names of the ids, which are random; printed in their place. */
export function createNarrator(names: ReadonlyMap<RowId, string>): Narrator {
	/** The states that each table went through since it last rested. */
	const journeys = new Map<string, string[]>();
	/** Journeys that have ended and are not printed yet: the same one of several tables is one line. */
	const arrivals = new Map<string, { device: string; journey: string; tables: string[] }>();

	function print(text: string): void {
		tellArrivals();
		write(text);
	}

	function printTrouble(text: string): void {
		for (const line of wrap(rename(text))) print(paint('red', `  ${line}`));
	}

	function write(text: string): void {
		console.log(rename(text));
	}

	function rename(text: string): string {
		let renamed = text;
		for (const [id, name] of names) renamed = renamed.replaceAll(String(id), name);
		return renamed;
	}

	function tellArrivals(): void {
		for (const { device, journey, tables } of arrivals.values()) {
			const who = tables.length === 1 ? tables.join() : `${tables.length} tables`;
			write(cells(device, who, paint('dim', journey)));
		}
		arrivals.clear();
	}

	function arrive(device: string, table: string, states: readonly string[]): void {
		if (arrivals.size === 0) queueMicrotask(tellArrivals);
		const journey = states.join(' → ');
		const same = arrivals.get(`${device} ${journey}`);
		if (same) same.tables.push(table);
		else arrivals.set(`${device} ${journey}`, { device, journey, tables: [table] });
	}

	return {
		chapter: (title) => print(`\n${paint('bold', title)}`),
		note: (text) => print(paint('dim', text)),

		edit(device, action, table, id, columns) {
			print(cells(device, table, `${action} ${id} ${columns ? showColumns(columns) : ''}`.trimEnd()));
		},

		pending(device, counts) {
			const parts = Object.entries(counts).map(([table, count]) => `${table} ${count}`);
			print(cells(device, 'pending', parts.join(', ')));
		},

		watch: (device) => (event) => {
			const snapshot = toTableSnapshot(event);
			if (!snapshot) return;
			const { table } = snapshot.context;
			const states = journeys.get(`${device} ${table}`) ?? [];
			if (states.at(-1) !== snapshot.value) states.push(snapshot.value);
			const isOver = states.length > 1 && snapshot.hasTag('settled');
			if (isOver) arrive(device, table, states);
			journeys.set(`${device} ${table}`, isOver ? [snapshot.value] : states);
		},

		conflict(device, table, { id, outcome }) {
			print(cells(device, table, paint('yellow', `conflict in ${id}: ${OUTCOMES[outcome]}`)));
		},

		result(device, { uploaded, downloaded, conflicts, errors }) {
			const numbers = { uploaded, downloaded, conflicts, errors: errors.length };
			print(cells(device, 'sync()', showColumns(numbers)));
			for (const error of errors) printTrouble(error);
		},

		check(what, differences) {
			print(`${differences.length === 0 ? paint('green', '✓') : paint('red', '✗')} ${what}`);
			for (const difference of differences) printTrouble(difference);
		},
	};
}

function toTableSnapshot(event: InspectionEvent): TableSnapshot | null {
	if (event.type !== '@xstate.snapshot') return null;
	const snapshot = event.snapshot as TableSnapshot;
	return snapshot.machine?.id === tableMachine.id ? snapshot : null;
}

function cells(device: string, subject: string, text: string): string {
	const style = device === 'alice' ? 'magenta' : 'cyan';
	return `${paint(style, device.padEnd(6))} ${subject.padEnd(15)}  ${text}`;
}

function showColumns(columns: object): string {
	return Object.entries(columns)
		.map(([column, value]) => `${column}=${JSON.stringify(value)}`)
		.join(' ');
}

/** Lines of at most 96 columns, where the text has a space to break at. */
function wrap(text: string): string[] {
	return text.match(/\S.{0,95}(?!\S)|\S+/g) ?? [];
}

function paint(style: Style, text: string): string {
	return isColourful ? styleText(style, text) : text;
}
