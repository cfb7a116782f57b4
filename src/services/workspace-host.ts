import { isPixSyncError, PixSyncError } from '../core/errors.ts';
import { isUserWide } from './access-token.ts';
import type { Discard, LastUser, LastUserRecord } from './last-user.ts';
import type { Session } from './session.ts';
import type { Workspace } from './workspace.ts';

/** What the host tells about the workspace that is open. */
export interface WorkspaceEvents {
	opened(workspace: Workspace): Promise<void>;
	/** Before the former one closes: whatever runs on it must end. `current()` is null by then. */
	closing(workspace: Workspace): void;
	/** Told at each sign of it, also where nothing changed: a refused refresh may have made it invalid meanwhile. */
	sessionChanged(isValid: boolean): void;
	/** Another replica is open, or its user's session has ended or is back. Not told of the first opening. */
	userChanged(userId: string | null, isSignedIn: boolean): Promise<void>;
}

export interface WorkspaceHostOptions extends WorkspaceEvents {
	readonly session: Pick<Session, 'identify' | 'idOf' | 'end' | 'isEnded' | 'onChange'>;
	/** @param last what the device was found to know just before; null: nobody has looked. */
	open(userId: string | null, last: LastUserRecord | null): Promise<Workspace>;
	readonly lastUser: Pick<LastUser, 'read' | 'write' | 'signOut'>;
}

export interface Leaving {
	/** What the app agreed to lose; null: everything is kept. */
	readonly discard: Discard | null;
	/** Runs while no replica is open; must not reject. */
	readonly meanwhile: () => Promise<void>;
}

/** Keeps the workspace of the current user open, and changes it when somebody else signs in (R23). */
export interface WorkspaceHost {
	/** The open workspace; null before the first and after the last. */
	current(): Workspace | null;
	/** Whether somebody is signed in, and the open workspace is theirs. */
	isSignedIn(): boolean;
	/** The workspace of whoever is current as this is called. */
	ready(): Promise<Workspace>;
	/** Looks whether there is a session again, after one had been missing. */
	recheck(): Promise<void>;
	/**
	 * Signs the user out on this device, durably, and closes their replica; the signed-out one opens after it.
	 * @throws PixSyncError `user-changed` where `leaving` is open no more, `storage`; nothing has changed then.
	 */
	signOut(leaving: Workspace, given: Leaving): Promise<void>;
	/**
	 * Closes the replica, and opens it again for the same user.
	 * @param meanwhile runs while none is open; where it rejects, so does the call, and the replica is open again.
	 * @throws PixSyncError `user-changed` where `leaving` is open no more, `storage`.
	 */
	reopen(leaving: Workspace, meanwhile: () => Promise<void>): Promise<void>;
	close(): void;
}

const STORAGE_CODES: ReadonlySet<string> = new Set(['storage', 'blocked']);

export function createWorkspaceHost(options: WorkspaceHostOptions): WorkspaceHost {
	const { session, lastUser } = options;
	let workspace: Workspace | null = null;
	let isClosed = false;
	let told: { readonly userId: string | null; readonly isSignedIn: boolean } | null = null;

	async function start(): Promise<Workspace> {
		const first = session.identify();
		const last = await lastUser.read();
		if (last.endedSession !== null) session.end(last.endedSession);
		const identified = last.endedSession === null ? await first : await session.identify();
		const userId = identified ?? last.userId;
		const isSignedIn = typeof identified === 'string';
		if (!isSignedIn) options.sessionChanged(userId === null);
		return enter(userId, isSignedIn, last);
	}

	async function enter(
		userId: string | null,
		isSignedIn: boolean,
		last: LastUserRecord | null = null,
	): Promise<Workspace> {
		if (isClosed) throw closed();
		const isNoted = last?.userId === userId && last.endedSession === null;
		if (userId !== null && !isNoted) await lastUser.write(userId);
		const next = await options.open(userId, last);
		if (isClosed) {
			next.store.close();
			throw closed();
		}
		workspace = next;
		await options.opened(next);
		await tell(isSignedIn);
		return next;
	}

	async function tell(isSignedIn: boolean): Promise<void> {
		const userId = workspace?.userId ?? null;
		if (told?.userId === userId && told.isSignedIn === isSignedIn) return;
		const isFirst = told === null;
		told = { userId, isSignedIn };
		if (!isFirst) await options.userChanged(userId, isSignedIn);
	}

	async function change(userId: string): Promise<Workspace> {
		if (workspace?.userId === userId) {
			options.sessionChanged(true);
			await tell(true);
			return workspace;
		}
		leave();
		options.sessionChanged(true);
		return enter(userId, true);
	}

	/** SIGNED_OUT is not the user's wish by itself (F2): the data stays, requests stop. */
	async function pause(open: Workspace): Promise<Workspace> {
		if (open.userId === null) {
			options.sessionChanged(true);
			return open;
		}
		options.sessionChanged(false);
		// But it is where another tab of this app has signed the user out on purpose (F5).
		const last = await lastUser.read().catch(() => null);
		if (last?.userId !== null) {
			await tell(false);
			return open;
		}
		leave();
		options.sessionChanged(true);
		return enter(null, false);
	}

	function leave(): void {
		const former = workspace;
		if (!former) return;
		workspace = null;
		options.closing(former);
		former.store.close();
	}

	// Changes queue up behind one another: two sign-ins in a row open two workspaces, one after the other.
	let opening = start();
	/** Of the last opening, where the database refused: it may not do so again. */
	let failure: PixSyncError | null = null;
	const keepQuiet = () =>
		opening.then(
			() => {
				failure = null;
			},
			(error: unknown) => {
				failure = isPixSyncError(error) && STORAGE_CODES.has(error.code) ? error : null;
			},
		);
	const queue = (step: (open: Workspace | null) => Promise<Workspace>) => {
		opening = keepQuiet().then(() => step(workspace));
		void keepQuiet();
	};
	/** As it was: where nothing is open, whoever asks gets the error of the last opening. */
	const stay = (former: Promise<Workspace>) => (open: Workspace | null) =>
		open ? Promise.resolve(open) : former;
	void keepQuiet();

	const stopListening = session.onChange((event) => {
		const former = opening;
		queue((open) => {
			if (event.kind === 'signed-out') return open ? pause(open) : stay(former)(open);
			return session.isEnded(event.sessionId) ? stay(former)(open) : change(event.userId);
		});
	});

	return {
		current: () => workspace,
		isSignedIn: () => workspace !== null && workspace.userId === told?.userId && told.isSignedIn,
		ready() {
			// A full disk, a tab that held on: whoever asks makes it try anew.
			if (failure && !isClosed) {
				failure = null;
				queue(() => {
					leave();
					return start();
				});
			}
			return opening;
		},
		async recheck() {
			const userId = await session.identify();
			// No answer says nothing.
			if (userId === undefined) return;
			const former = opening;
			queue((open) => {
				if (userId !== null) return change(userId);
				return open ? pause(open) : stay(former)(open);
			});
			await keepQuiet();
		},
		async signOut(leaving, { discard, meanwhile }) {
			const former = opening;
			let refusal: unknown = null;
			queue(async (open) => {
				try {
					if (open !== leaving || leaving.userId === null) throw userChanged();
					const id = session.idOf(leaving.userId);
					// Before anything else: a sign-out that was begun holds, also if the app ends here.
					await lastUser.signOut({ session: isUserWide(id) ? null : id, discard });
					session.end(id);
				} catch (error) {
					refusal = error;
					return stay(former)(open);
				}
				leave();
				options.sessionChanged(true);
				await meanwhile();
				return enter(null, false);
			});
			await opening;
			if (refusal) throw refusal;
		},
		async reopen(leaving, meanwhile) {
			const former = opening;
			let refusal: unknown = null;
			queue(async (open) => {
				if (open !== leaving) {
					refusal = userChanged();
					return stay(former)(open);
				}
				const isSignedIn = told?.isSignedIn === true;
				leave();
				await meanwhile().catch((error: unknown) => {
					refusal = error;
				});
				return enter(leaving.userId, isSignedIn);
			});
			await opening;
			if (refusal) throw refusal;
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

function userChanged(): PixSyncError {
	return new PixSyncError('user-changed', 'Another user signed in while the call was under way', {
		hint: 'Nothing was changed. Make the call again for the current user.',
	});
}
