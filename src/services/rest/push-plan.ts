import type { PushMutation } from '../../core/mutation.ts';
import type { TableSpec } from '../../core/table-spec.ts';

/** Mutations that travel together. `patch`: one request a row, several at once. */
export interface PlannedRequest {
	readonly kind: 'create' | 'patch' | 'delete';
	readonly mutations: readonly PushMutation[];
}

/**
 * Groups a batch, which holds at most one mutation a row, into requests. Deletes go first and creates last, so
 * that a unique value given up is free before it is taken. A table that refers to itself keeps the queue's order,
 * or a child could arrive before its parent.
 */
export function planRequests(spec: TableSpec, mutations: readonly PushMutation[]): readonly PlannedRequest[] {
	const requests: { key: string; kind: PlannedRequest['kind']; mutations: PushMutation[] }[] = [];
	const isOrdered = spec.dependsOn.includes(spec.table);
	for (const mutation of mutations) {
		const kind = kindOf(mutation);
		// A bulk insert takes rows of one key set: a column that a row leaves out would become NULL (F25).
		const key =
			kind === 'create'
				? `create ${Object.keys(mutation.body ?? {})
						.sort()
						.join('\n')}`
				: kind;
		const open = isOrdered ? requests.at(-1) : requests.find((request) => request.key === key);
		if (open?.key === key) open.mutations.push(mutation);
		else requests.push({ key, kind, mutations: [mutation] });
	}
	return isOrdered ? requests : requests.sort((a, b) => RANK[a.kind] - RANK[b.kind]);
}

const RANK = { delete: 0, patch: 1, create: 2 } as const;

function kindOf(mutation: PushMutation): PlannedRequest['kind'] {
	switch (mutation.kind) {
		case 'create':
			return 'create';
		case 'update':
			return 'patch';
		case 'delete':
			// A soft delete is a patch of the tombstone column.
			return mutation.body === null ? 'delete' : 'patch';
	}
}
