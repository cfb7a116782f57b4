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
} as const satisfies Record<string, number>;

export type OperationKind = keyof typeof OPERATION_WEIGHTS;

export interface Operation {
	readonly kind: OperationKind;
	/** Which tab, modulo their number. */
	readonly tab: number;
	/** Which row, table, or how long. */
	readonly n: number;
}

/** A program as one reads it, an operation a word: `create@0:17`. */
export function toStory(program: readonly Operation[]): string {
	return program.map(({ kind, tab, n }) => `${kind.replaceAll(' ', '-')}@${tab}:${n}`).join(' ');
}

/** @throws Error for what is no story. */
export function fromStory(story: string): readonly Operation[] {
	return story
		.trim()
		.split(/\s+/)
		.filter((word) => word !== '')
		.map((word) => {
			const [, name, tab, n] = /^([a-z-]+)@(\d+):(\d+)$/.exec(word) ?? [];
			const kind = Object.keys(OPERATION_WEIGHTS).find((one) => one.replaceAll(' ', '-') === name);
			if (kind === undefined) throw new Error(`"${word}" is no operation of a program`);
			return { kind: kind as OperationKind, tab: Number(tab), n: Number(n) };
		});
}
