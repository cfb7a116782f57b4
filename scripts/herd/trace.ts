/** One thing that a device did or met, for tests. `table`: its number; null: the device's own. */
export type TraceEntry = { readonly at: number; readonly device: number; readonly table: number | null } & (
	| { readonly kind: 'sent' }
	| { readonly kind: 'synced' }
	/** A table waits after a failure, or a device for its next probe. */
	| { readonly kind: 'waits'; readonly until: number }
	/** A wait ends before its time. */
	| { readonly kind: 'woken'; readonly by: 'schedule' | 'gate' | 'closed' | 'browser' }
);

/** @default nothing is kept: a herd would fill the memory. */
export type Trace = (entry: TraceEntry) => void;
