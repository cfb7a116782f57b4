import type { ActorRefFrom } from 'xstate';
import { closedReason } from '../../machines/closed-reason.ts';
import type { syncMachine } from '../../machines/sync.machine.ts';
import type { SyncState, TableState } from '../../sync-state.ts';
import { toEntryError } from '../error-code.ts';
import { toLeaves } from '../inspected-actor.ts';
import type { EntryError } from '../inspection-entry.ts';

/** The root machine, running: a manager's own, or one that an app runs itself. */
export type SyncActor = ActorRefFrom<typeof syncMachine>;

/** What the panel reads of a `SyncManager`. */
export interface SyncLike {
	readonly actor: SyncActor;
	getState(): SyncState;
	subscribe(listener: () => void): () => void;
}

/** What the panel shows: free of ids of users, of texts of the server's and of rows. */
export interface PanelModel {
	readonly connection: SyncState['connection'];
	/** The first characters of the user's id; null: signed out; undefined: not known. */
	readonly user: string | null | undefined;
	readonly regions: Readonly<Record<RegionName, string>>;
	/** Active states of the root, from its root on, without the states around them: 'gate.open.steady'. */
	readonly leaves: readonly string[];
	readonly tables: readonly TableModel[];
}

export type RegionName = 'gate' | 'schedule' | 'run';

export interface TableModel {
	readonly table: string;
	readonly state: TableState['state'];
	/** null: not known, for the app runs the machine itself. */
	readonly counts: Pick<TableState, 'pending' | 'rejected' | 'conflicts'> | null;
	/** Device ms. */
	readonly lastSyncedAt: number | null;
	/** Rows read so far by the pull under way. */
	readonly rowsRead: number | null;
	/** Device ms. */
	readonly nextRetryAt: number | null;
	readonly error: EntryError | null;
}

const USER_CHARACTERS = 4;

/** @param sync null: there is the machine alone. */
export function toPanelModel(actor: SyncActor, sync: SyncLike | null): PanelModel {
	const { context, value } = actor.getSnapshot();
	const reason = closedReason(context);
	const state = sync?.getState();
	const tables = Object.entries(context.tables).map(([table, { ref }]): TableModel => {
		const own = ref.getSnapshot();
		const { error, nextRetryAt, lastSyncedAt, rowsRead } = own.context;
		const known = state?.tables[table];
		return {
			table,
			state: own.value,
			counts: known ?? null,
			lastSyncedAt: known?.lastSyncedAt ?? lastSyncedAt,
			rowsRead: own.value === 'downloading' ? rowsRead : null,
			nextRetryAt,
			error: error && toEntryError(error),
		};
	});
	return {
		connection: reason === null ? 'open' : reason === 'closed' ? 'starting' : reason,
		user: toShort(state?.user),
		regions: { gate: toHead(value.gate), schedule: toHead(value.schedule), run: toHead(value.run) },
		leaves: toLeaves(value),
		tables,
	};
}

function toHead(value: string | object): string {
	return typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');
}

function toShort(user: string | null | undefined): string | null | undefined {
	return user ? `${user.slice(0, USER_CHARACTERS)}…` : user;
}
