import { isPixSyncError, PixSyncError } from '../core/errors.ts';
import { withReferences } from '../core/references.ts';
import type { QueuedAction, RowId } from '../core/types.ts';
import { isUuid } from '../core/uuid.ts';
import type { CheckedAction } from './action.ts';
import { type Draft, isPlainCreate, readDraft } from './draft.ts';
import type { LocalStore } from './local-store.ts';
import { draftAction } from './row-draft.ts';

export interface MutateOptions {
	readonly store: LocalStore;
	readonly userId: string | null;
	/** Device ms. */
	readonly now: () => number;
	readonly clockOffset: () => number | null;
	readonly createId: () => string;
}

/** Queues groups of actions; each group is all or nothing. The promise resolves when they are durable. */
export type Mutate = (actions: readonly CheckedAction[]) => Promise<readonly QueuedAction[]>;

interface Group {
	readonly actions: readonly CheckedAction[];
	readonly resolve: (queued: readonly QueuedAction[]) => void;
	readonly reject: (error: unknown) => void;
}

/**
 * Row and outbox in one transaction (R1). Calls that are made while a transaction runs share the next one: each
 * promise still waits for its own commit, and a call that is refused fails alone.
 */
export function createMutate(options: MutateOptions): Mutate {
	let waiting: Group[] = [];
	let isRunning = false;

	async function drain(): Promise<void> {
		while (waiting.length > 0) {
			const groups = waiting;
			waiting = [];
			await commit(options, groups);
		}
		isRunning = false;
	}

	return (actions) =>
		new Promise((resolve, reject) => {
			waiting.push({ actions, resolve, reject });
			if (isRunning) return;
			isRunning = true;
			// One microtask later, so that calls made without awaiting each are all at hand.
			queueMicrotask(() => void drain());
		});
}

/**
 * So many creates are written without a look at what is there: a third of the time of a single one is the wait for that.
 * With more, what the database does to see that each key is new costs as much.
 */
const FEW = 100;

async function commit(options: MutateOptions, groups: readonly Group[]): Promise<void> {
	const actions = groups.flatMap((group) => group.actions);
	const tables = [...new Set(actions.map(({ spec }) => spec.table))];
	// Given once: where the connection is lost and the work repeated, they tell whether it had been committed (F45).
	const mutationIds = new Map(actions.map((action) => [action, options.createId()]));
	const queuedIds = new Set(mutationIds.values());
	let settled: (() => void)[] = [];
	const write = (isBlind: boolean) =>
		options.store.write(
			tables,
			async (transaction) => {
				settled = [];
				const draft = await readDraft(transaction, actions, isBlind);
				for (const group of groups) {
					try {
						const queued = draft.attempt(() =>
							group.actions.map((action) => applyOne(options, draft, action, mutationIds.get(action) ?? '')),
						);
						settled.push(() => group.resolve(queued));
					} catch (error) {
						settled.push(() => group.reject(error));
					}
				}
				draft.write();
			},
			// All of it or nothing: one that is there says that all are.
			async ({ outbox }) =>
				(await outbox
					.filter(({ mutationId }) => queuedIds.has(mutationId))
					.limit(1)
					.count()) > 0,
		);
	try {
		if (actions.length > FEW || !actions.every(isPlainCreate)) await write(false);
		else
			await write(true).catch((error: unknown) => {
				if (!isTaken(error)) throw error;
				return write(false);
			});
	} catch (error) {
		for (const group of groups) group.reject(error);
		return;
	}
	for (const settle of settled) settle();
}

/** Whether a key was there already, of a row or of an index of the app's that wants each once. */
function isTaken(error: unknown): boolean {
	return isPixSyncError(error) && (error.cause as Error | undefined)?.name === 'ConstraintError';
}

function applyOne(
	options: MutateOptions,
	draft: Draft,
	action: CheckedAction,
	mutationId: string,
): QueuedAction {
	const { spec } = action;
	const data = withReferences(spec, action.data, (table, id) => draft.aliasOf(table, String(id)));
	const id = action.action === 'create' ? claimId(options, draft, action) : draft.resolveId(action);
	const step = draftAction({ ...action, data }, id, draft.row(spec, id));
	draft.setRow(spec, id, step.draft);
	if (step.queued) {
		draft.queue({
			...step.queued,
			mutationId,
			table: spec.table,
			rowId: id,
			userId: options.userId,
			queuedAt: options.now(),
			clockOffset: options.clockOffset(),
			// What somebody is asked to decide is the row as a whole.
			status: step.draft.base?.parked ? 'conflicted' : 'pending',
		});
	}
	return { mutationId, id };
}

/** The id of a new row (R3); another `localId` stays its alias. */
function claimId(options: MutateOptions, draft: Draft, action: CheckedAction): RowId {
	const { spec, dataId, localId } = action;
	const localText = localId === null ? null : String(localId);
	if (localText !== null && draft.aliasOf(spec.table, localText) !== undefined) {
		throw new PixSyncError(
			'alias-in-use',
			`Table "${spec.table}": localId ${JSON.stringify(localId)} is in use`,
			{
				table: spec.table,
				hint: 'Give each new row a localId of its own.',
			},
		);
	}
	const id = draft.toKey(spec, dataId ?? (isUuid(localText) ? localText : options.createId()));
	if (localText !== null && localText !== String(id)) draft.setAlias(spec, localText, id);
	return id;
}
