import type { InspectionEvent } from 'xstate';
import type { ResolvedConflict } from '../core/run-contract.ts';
import { toEntryError } from './error-code.ts';
import { type ActorLike, identify, toEventType, toLeaves } from './inspected-actor.ts';
import type { EntryBody, EntryCounts } from './inspection-entry.ts';

/** What XState tells, as far as it is read here. */
type Told = InspectionEvent & { readonly actorRef: ActorLike };
type Microstep = Extract<InspectionEvent, { type: '@xstate.microstep' }>;
type Fields = Readonly<Record<string, unknown>>;

const METHODS: readonly unknown[] = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'];

/** A word of ours; what else a service answers as an outcome is not repeated. */
const WORD = /^[a-z]+(?:-[a-z]+)*$/;

/**
 * Turns XState's inspection events into entries. Each entry is put together field by field from what may be shown;
 * nothing of an event or a context gets into it by being passed on.
 * @param now device ms.
 */
export function createEntryRecorder(now: () => number): (event: InspectionEvent) => readonly EntryBody[] {
	const leaves = new WeakMap<ActorLike, readonly string[]>();
	const errors = new WeakMap<ActorLike, unknown>();
	const begun = new WeakMap<ActorLike, number>();

	function ofMicrostep(event: Microstep, actorRef: ActorLike): readonly EntryBody[] {
		const actor = identify(actorRef);
		if (actor.kind !== 'machine' || event.event.type === 'xstate.stop') return [];
		const { machine } = actor;
		const { value, context = {} } = event.snapshot as { value?: unknown; context?: Fields };
		// Between its making and its first snapshot an actor cannot be asked; the step's own snapshot can.
		const table = machine === 'table' ? toName(context.table) : null;
		const type = toEventType(actorRef, event.event.type);
		const before = leaves.get(actorRef);
		const after = toLeaves(value);
		leaves.set(actorRef, after);
		if (!before) return [];
		const moves = movesOf(before, after, event);
		const effect = event._transitions.length > 0 ? ('noted' as const) : ('ignored' as const);
		const entries: EntryBody[] = moves.map(({ from, to }) => ({
			kind: 'transition',
			machine,
			table,
			from,
			to,
			event: type,
		}));
		if (moves.length === 0) entries.push({ kind: 'event', machine, table, event: type, effect });
		if (machine !== 'table') return entries;
		const { error, nextRetryAt, attempts } = context;
		if (error && error !== errors.get(actorRef))
			entries.push({ kind: 'error', table, error: toEntryError(error) });
		errors.set(actorRef, error);
		if (after.includes('backoff') && moves.length > 0 && typeof nextRetryAt === 'number') {
			entries.push({ kind: 'retry', table, retryAt: nextRetryAt, attempts: toCount(attempts) });
		}
		return entries;
	}

	/** Ends of services, as their machine hears of them. */
	function ofEnd(source: ActorLike, event: Fields): readonly EntryBody[] {
		const actor = identify(source);
		const since = begun.get(source);
		if (actor.kind !== 'service' || since === undefined) return [];
		begun.delete(source);
		const { service, table } = actor;
		const ms = now() - since;
		if (String(event.type).startsWith('xstate.error.actor.')) {
			return [{ kind: 'service.failed', table, service, ms, error: toEntryError(event.error) }];
		}
		const output = toFields(event.output);
		const done: EntryBody = { kind: 'service.done', table, service, ms, counts: toCounts(output) };
		return service === 'resolve' ? [done, ...toConflicts(table, output.resolved)] : [done];
	}

	function ofEvent(event: Fields, actorRef: ActorLike, source: ActorLike | undefined): readonly EntryBody[] {
		if (source && /^xstate\.(?:done|error)\.actor\./.test(String(event.type))) return ofEnd(source, event);
		if (event.type === 'request.ended') return toRequest(event);
		const actor = identify(actorRef);
		if (event.type !== 'xstate.init' || actor.kind !== 'service') return [];
		begun.set(actorRef, now());
		return [{ kind: 'service.begun', table: actor.table, service: actor.service }];
	}

	function ofSnapshot(type: string, actorRef: ActorLike, snapshot: unknown): readonly EntryBody[] {
		const actor = identify(actorRef);
		if (actor.kind === 'machine' && type === 'xstate.init')
			leaves.set(actorRef, toLeaves(toFields(snapshot).value));
		const since = begun.get(actorRef);
		if (actor.kind !== 'service' || type !== 'xstate.stop' || since === undefined) return [];
		begun.delete(actorRef);
		return [{ kind: 'service.stopped', table: actor.table, service: actor.service, ms: now() - since }];
	}

	return (event) => {
		const { actorRef } = event as Told;
		switch (event.type) {
			case '@xstate.microstep':
				return ofMicrostep(event, actorRef);
			case '@xstate.event':
				return ofEvent(event.event, actorRef, event.sourceRef as ActorLike | undefined);
			case '@xstate.snapshot':
				return ofSnapshot(event.event.type, actorRef, event.snapshot);
			default:
				// Actors and actions show in what they lead to.
				return [];
		}
	};
}

/** The states that were left and entered, region by region; a state entered anew is one, too. */
function movesOf(
	before: readonly string[],
	after: readonly string[],
	{ _transitions: transitions }: Microstep,
): readonly { readonly from: string; readonly to: string }[] {
	// A machine without regions has one leaf.
	const regionOf = (leaf: string) => (after.length > 1 ? leaf.split('.', 1)[0] : null);
	const moves = after.flatMap((to) => {
		const from = before.find((leaf) => regionOf(leaf) === regionOf(to));
		return from === undefined || from === to ? [] : [{ from, to }];
	});
	if (moves.length > 0) return moves;
	const targets = transitions.flatMap(({ target }) => target ?? []);
	const entered = targets.map(({ path }) => path.join('.'));
	return after
		.filter((leaf) => entered.some((path) => leaf === path || leaf.startsWith(`${path}.`)))
		.map((leaf) => ({ from: leaf, to: leaf }));
}

function toRequest({ table, method, status, rows, ms }: Fields): readonly EntryBody[] {
	return [
		{
			kind: 'request',
			table: toName(table),
			method: METHODS.includes(method) ? String(method) : 'other',
			status: typeof status === 'number' ? status : null,
			rows: typeof rows === 'number' ? rows : null,
			ms: toCount(ms),
		},
	];
}

function toConflicts(table: string | null, resolved: unknown): readonly EntryBody[] {
	if (!Array.isArray(resolved)) return [];
	return resolved.flatMap((conflict: unknown): EntryBody[] => {
		const { id, outcome } = toFields(conflict);
		if (typeof id !== 'string' && typeof id !== 'number') return [];
		if (typeof outcome !== 'string' || !WORD.test(outcome)) return [];
		return [{ kind: 'conflict', table, id, outcome: outcome as ResolvedConflict['outcome'] }];
	});
}

function toCounts({ uploaded, downloaded, conflicts, errors }: Fields): EntryCounts | null {
	if (typeof uploaded !== 'number') return null;
	return {
		uploaded,
		downloaded: toCount(downloaded),
		conflicts: toCount(conflicts),
		errors: Array.isArray(errors) ? errors.length : 0,
	};
}

function toFields(value: unknown): Fields {
	return typeof value === 'object' && value !== null ? (value as Fields) : {};
}

function toName(value: unknown): string | null {
	return typeof value === 'string' ? value : null;
}

function toCount(value: unknown): number {
	return typeof value === 'number' ? value : 0;
}
