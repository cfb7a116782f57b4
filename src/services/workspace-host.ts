import { PixSyncError } from '../core/errors.ts';
import type { Session } from './session.ts';
import type { Workspace } from './workspace.ts';

/** What the host tells about the workspace that is open. */
export interface WorkspaceEvents {
	opened(workspace: Workspace): Promise<void>;
	/** Before the former one closes: whatever runs on it must end. */
	closing(workspace: Workspace): void;
	/** Told at each sign of it, also where nothing changed: a refused refresh may have made it invalid meanwhile. */
	sessionChanged(isValid: boolean): void;
}

export interface WorkspaceHostOptions extends WorkspaceEvents {
	readonly session: Session;
	open(userId: string | null): Promise<Workspace>;
	/** The user of the last session on this device, for a start without a network (F2). */
	readonly lastUser: { read(): Promise<string | null>; write(userId: string): Promise<void> };
}

/** Keeps the workspace of the current user open, and changes it when somebody else signs in (R23). */
export interface WorkspaceHost {
	/** The open workspace; null before the first and after the last. */
	current(): Workspace | null;
	/** The workspace of whoever is current as this is called. */
	ready(): Promise<Workspace>;
	/** Looks whether there is a session again, after one had been missing. */
	recheck(): Promise<void>;
	close(): void;
}

export function createWorkspaceHost(options: WorkspaceHostOptions): WorkspaceHost {
	const { session, lastUser } = options;
	let workspace: Workspace | null = null;
	let isClosed = false;

	async function start(): Promise<Workspace> {
		const identified = await session.identify();
		const userId = identified ?? (await lastUser.read());
		if (identified === null || identified === undefined) options.sessionChanged(userId === null);
		return enter(userId);
	}

	async function enter(userId: string | null): Promise<Workspace> {
		if (isClosed) throw closed();
		if (userId !== null) await lastUser.write(userId);
		const next = await options.open(userId);
		if (isClosed) {
			next.store.close();
			throw closed();
		}
		workspace = next;
		await options.opened(next);
		return next;
	}

	async function change(userId: string): Promise<Workspace> {
		if (workspace?.userId === userId) {
			options.sessionChanged(true);
			return workspace;
		}
		leave();
		options.sessionChanged(true);
		return enter(userId);
	}

	function leave(): void {
		if (!workspace) return;
		options.closing(workspace);
		workspace.store.close();
		workspace = null;
	}

	// Changes queue up behind one another: two sign-ins in a row open two workspaces, one after the other.
	let opening = start();
	const keepQuiet = () => opening.catch(() => undefined);
	void keepQuiet();
	const stopListening = session.onChange((event) => {
		if (event.kind === 'signed-out') {
			// Not the user's wish by itself (F2): the data stays, requests stop.
			void keepQuiet().then(() => {
				if (workspace && workspace.userId !== null) options.sessionChanged(false);
			});
			return;
		}
		opening = keepQuiet().then(() => change(event.userId));
		void keepQuiet();
	});

	return {
		current: () => workspace,
		ready: () => opening,
		async recheck() {
			const userId = await session.identify();
			// Signed out: the data stays, requests stop (F2). No answer says nothing.
			if (userId === null && workspace && workspace.userId !== null) options.sessionChanged(false);
			if (typeof userId !== 'string') return;
			opening = keepQuiet().then(() => change(userId));
			await keepQuiet();
		},
		close() {
			isClosed = true;
			stopListening();
			leave();
		},
	};
}

function closed(): PixSyncError {
	return new PixSyncError('closed', 'This SyncManager is closed', { hint: 'Create a new SyncManager.' });
}
