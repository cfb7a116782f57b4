import type { InspectionEvent } from 'xstate';
import { PixSyncError } from '../core/errors.ts';
import { guarded } from './guarded.ts';
import type { InspectionEntry } from './inspection-entry.ts';
import { createEntryRecorder } from './record-entries.ts';

export interface SyncInspectorOptions {
	/** Entries kept; past it the oldest fall out. @default 1000 */
	readonly limit?: number;
	/** Device ms. @default Date.now */
	readonly now?: () => number;
}

/** A bounded log of what the machines do, for looking at and for bug reports. */
export interface SyncInspector {
	/** For `new SyncManager(supabase, { inspect })` or `createActor(machine, { inspect })`. Never throws. */
	readonly inspect: (event: InspectionEvent) => void;
	/** Oldest first; the same array as long as nothing was added. */
	entries(): readonly InspectionEntry[];
	/** Calls `listener` after each change of `entries()`. @returns unsubscribe */
	subscribe(listener: () => void): () => void;
	/** Forgets all entries; `seq` goes on. */
	clear(): void;
}

const DEFAULT_LIMIT = 1_000;

/**
 * Records what the machines do. One inspector may watch several managers. It keeps nothing private; see
 * {@link InspectionEntry}.
 * @throws PixSyncError `bad-config` for a limit that is no whole number of at least 1.
 */
export function createSyncInspector(options: SyncInspectorOptions = {}): SyncInspector {
	const { limit = DEFAULT_LIMIT, now = Date.now } = options;
	if (!Number.isInteger(limit) || limit < 1) {
		throw new PixSyncError('bad-config', `\`limit\` is not a whole number of at least 1: ${String(limit)}`, {
			hint: `Leave it out for ${DEFAULT_LIMIT}.`,
		});
	}
	const toEntries = createEntryRecorder(now);
	const listeners = new Set<() => void>();
	let entries: readonly InspectionEntry[] = [];
	/** Entries added since `entries` was last asked for. */
	let added: InspectionEntry[] = [];
	let seq = 0;

	function tell(): void {
		for (const listener of listeners) guarded(listener);
	}

	return {
		inspect: (event) => {
			guarded(() => {
				const bodies = toEntries(event);
				if (bodies.length === 0) return;
				const at = now();
				for (const body of bodies) added.push({ seq: ++seq, at, ...body });
				// Nobody may ever ask: what can no longer be shown goes, though not at each entry.
				if (added.length > 2 * limit) added = added.slice(-limit);
				tell();
			});
		},
		entries() {
			if (added.length > 0) entries = [...entries, ...added].slice(-limit);
			added = [];
			return entries;
		},
		subscribe(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		clear() {
			entries = [];
			added = [];
			tell();
		},
	};
}
