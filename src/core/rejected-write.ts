import type { Mutation, StoredError } from './mutation.ts';
import type { Row, RowId, SyncAction } from './types.ts';

/** One dead letter: a change that the server refused for good, kept until somebody retries or discards it (R8). */
export interface RejectedWrite {
	/** What `retryRejected` and `discardRejected` take, and what the notice `rejected` calls `letter`. */
	readonly id: string;
	readonly table: string;
	readonly rowId: RowId;
	/** What its mutations come to. */
	readonly action: SyncAction;
	/** All that the refused request covered, oldest first; of a create, later changes of the row, too. */
	readonly mutations: readonly RejectedMutation[];
	/** What would be sent: their columns merged in order, without the id. Null for a delete. */
	readonly data: Row | null;
	/** The newest refusal. */
	readonly error: StoredError;
}

export interface RejectedMutation {
	readonly mutationId: string;
	readonly action: SyncAction;
	/** create: the row; update: the changed columns; delete: null. */
	readonly data: Row | null;
	/** Device ms: when it was queued, or last retried. */
	readonly queuedAt: number;
}

/** What `retryRejected` has put back in the queue. */
export interface RetriedWrites {
	/** The ids of the dead letters, in queue order. */
	readonly letters: readonly string[];
	/** How many mutations they held. */
	readonly mutations: number;
}

/** The dead letters among `mutations`, each with its mutations in queue order; in the order of their first ones. */
export function groupByLetter(mutations: readonly Mutation[]): ReadonlyMap<string, readonly Mutation[]> {
	const letters = new Map<string, Mutation[]>();
	for (const mutation of [...mutations].sort((a, b) => a.seq - b.seq)) {
		if (mutation.status !== 'rejected' || mutation.letter === undefined) continue;
		const own = letters.get(mutation.letter);
		if (own) own.push(mutation);
		else letters.set(mutation.letter, [mutation]);
	}
	return letters;
}

/** One letter as the app sees it; null where there is none in `mutations`. */
export function toRejectedWrite(mutations: readonly Mutation[]): RejectedWrite | null {
	const [first] = mutations;
	if (!first?.letter || !first.error) return null;
	return {
		id: first.letter,
		table: first.table,
		rowId: first.rowId,
		...comesTo(mutations),
		mutations: mutations.map(({ mutationId, action, data, queuedAt }) => ({
			mutationId,
			action,
			data,
			queuedAt,
		})),
		error: first.error,
	};
}

/** What one row's mutations come to, in queue order: what was made after a delete is a row of its own. */
export function comesTo(mutations: readonly Pick<Mutation, 'action' | 'data'>[]): {
	readonly action: SyncAction;
	readonly data: Row | null;
} {
	let action: SyncAction = 'update';
	let data: Row | null = {};
	for (const mutation of mutations) {
		switch (mutation.action) {
			case 'create':
				action = 'create';
				data = { ...data, ...mutation.data };
				break;
			case 'update':
				data = { ...data, ...mutation.data };
				break;
			case 'delete':
				action = 'delete';
				data = null;
				break;
		}
	}
	return { action, data };
}
