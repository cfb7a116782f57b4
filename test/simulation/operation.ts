import { SIM_TABLES, type SimTable } from './sim-schema.ts';

/** What a program may do. Rows, tables and users are picked by number among those there are. */
export const OPERATION_WEIGHTS = {
	create: 16,
	update: 20,
	remove: 6,
	tree: 4,
	poison: 2,
	sync: 12,
	wait: 8,
	offline: 3,
	online: 5,
	kill: 2,
	restart: 2,
	freeze: 1,
	thaw: 2,
	clock: 1,
	expire: 2,
	'auth down': 1,
	'auth up': 2,
	switch: 2,
	'sign out': 1,
	contend: 10,
	'remote create': 4,
	'remote update': 6,
	'remote remove': 2,
	'late commit': 2,
	outage: 1,
	resolve: 2,
	retry: 1,
	discard: 1,
	clear: 0.4,
	reconcile: 1,
	auto: 1,
	poke: 2,
	disk: 1.5,
	upgrade: 0.3,
	// Only where the devices push by RPC, and drawn apart: see `withTransport`.
	migration: 0,
} as const satisfies Record<string, number>;

export type OperationKind = keyof typeof OPERATION_WEIGHTS;

export interface Operation {
	readonly kind: OperationKind;
	/** Which tab, modulo their number. */
	readonly tab: number;
	/** Which row, table, or how long. */
	readonly n: number;
	/** @default one that `n` picks */
	readonly table?: SimTable;
}

/** A program as one reads it, an operation a word: `create@0:17`, or `create@0:17/notes`. */
export function toStory(program: readonly Operation[]): string {
	return program
		.map(({ kind, tab, n, table }) => `${kind.replaceAll(' ', '-')}@${tab}:${n}${table ? `/${table}` : ''}`)
		.join(' ');
}

/** @throws Error for what is no story. */
export function fromStory(story: string): readonly Operation[] {
	return story
		.trim()
		.split(/\s+/)
		.filter((word) => word !== '')
		.map((word) => {
			const [, name, tab, n, on] = /^([a-z-]+)@(\d+):(\d+)(?:\/(\w+))?$/.exec(word) ?? [];
			const kind = Object.keys(OPERATION_WEIGHTS).find((one) => one.replaceAll(' ', '-') === name);
			if (kind === undefined) throw new Error(`"${word}" is no operation of a program`);
			const table = SIM_TABLES.find((one) => one === on);
			if (on !== undefined && !table) throw new Error(`"${word}" names no table`);
			const operation = { kind: kind as OperationKind, tab: Number(tab), n: Number(n) };
			return table ? { ...operation, table } : operation;
		});
}
