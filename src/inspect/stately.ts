import type { InspectionEvent } from 'xstate';
import { guarded } from './guarded.ts';
import { type ActorLike, identify, snapshotOf, toEventType } from './inspected-actor.ts';
import { redact } from './redact.ts';

type Inspect = (event: InspectionEvent) => void;

/** What `createBrowserInspector()`, `createWebSocketInspector()` and their like of `@statelyai/inspect` return. */
export interface StatelyInspectorLike {
	readonly inspect: Inspect | { readonly next?: Inspect };
}

/**
 * Lets Stately's inspector see PixSync's machines and services, and nothing private. It is shown stand-ins made here, which hold states
 * and the allowed fields of contexts and events; it never gets hold of an actor, a snapshot or an event of ours, so
 * that its own options cannot undo the redaction.
 * @param stately an inspector of `@statelyai/inspect`, or what creates one.
 * @returns for the option `inspect` of `SyncManager` or `createActor`. It never throws.
 */
export function createStatelyInspect(stately: StatelyInspectorLike | (() => StatelyInspectorLike)): Inspect {
	const { inspect } = typeof stately === 'function' ? stately() : stately;
	// Where there is no window, `createBrowserInspector` returns something without `inspect`.
	const next: Inspect = typeof inspect === 'function' ? inspect : (event) => inspect?.next?.(event);
	return (event) => {
		guarded(() => {
			const shown = toShown(event);
			if (shown) next(shown);
		});
	};
}

/** null: an actor of the app's own, or a kind of event that Stately does not show. */
function toShown(event: InspectionEvent): InspectionEvent | null {
	const { rootId } = event;
	const actor = event.actorRef as ActorLike;
	if (identify(actor).kind === 'foreign') return null;
	const actorRef = toStandIn(actor);
	switch (event.type) {
		case '@xstate.actor':
			return { type: event.type, rootId, actorRef };
		case '@xstate.event': {
			const sourceRef = event.sourceRef && toStandIn(event.sourceRef as ActorLike);
			return { type: event.type, rootId, actorRef, sourceRef, event: toShownEvent(actor, event.event) };
		}
		case '@xstate.snapshot': {
			const snapshot = toShownSnapshot(event.snapshot);
			return { type: event.type, rootId, actorRef, snapshot, event: toShownEvent(actor, event.event) };
		}
		default:
			return null;
	}
}

/** What the inspector reads of an actor: who it is, its chart and, later on, its state. */
function toStandIn(actor: ActorLike): InspectionEvent['actorRef'] {
	const standIn = {
		id: actor.id ?? actor.sessionId,
		sessionId: actor.sessionId,
		...(actor._parent ? { _parent: { sessionId: actor._parent.sessionId } } : {}),
		// A chart is code and holds no data.
		logic: identify(actor).kind === 'machine' ? { config: actor.logic?.config } : {},
		getSnapshot: () => toShownSnapshot(snapshotOf(actor)),
		send: () => undefined,
	};
	return standIn as unknown as InspectionEvent['actorRef'];
}

type ShownSnapshot = Extract<InspectionEvent, { type: '@xstate.snapshot' }>['snapshot'];

function toShownSnapshot(snapshot: unknown): ShownSnapshot {
	const { status, value, context, output, error } = (snapshot ?? {}) as Record<string, unknown>;
	const shown = {
		status: status ?? 'active',
		...(value === undefined ? {} : { value }),
		...redact({ output, ...(error === undefined ? {} : { error }) }),
		...(typeof context === 'object' && context !== null ? { context: redact(context) } : {}),
	};
	return shown as unknown as ShownSnapshot;
}

function toShownEvent(actor: ActorLike, event: { readonly type: string }): { readonly type: string } {
	const type = event.type === 'request.ended' ? event.type : toEventType(actor, event.type);
	return { ...(type === '(unknown)' ? {} : redact(event)), type };
}
