import { PixSyncError } from '../core/errors.ts';
import type { UserChangedNotice } from '../core/sync-notice.ts';
import type { TableSpec } from '../core/table-spec.ts';
import { type AdoptResult, createAnonymous } from './adopt-anonymous.ts';
import type { LastUser, LastUserRecord } from './last-user.ts';
import type { LockManagerLike } from './leadership.ts';
import type { StorageEnvironment } from './open-database.ts';
import type { Session } from './session.ts';
import {
	createDiscarder,
	type SignOutOptions,
	type SignOutPolicy,
	type SignOutResult,
	signOut,
} from './sign-out.ts';
import type { Workspace } from './workspace.ts';
import type { WorkspaceHost } from './workspace-host.ts';

/** What happens as people come and go, beyond the change of the open replica. */
export interface Identity {
	/**
	 * Opens a replica; what a sign-out or an adoption had begun when the app ended is ended before anything is read.
	 * @param last what the device was found to know just before; null: nobody has looked.
	 */
	enter(
		userId: string | null,
		last: LastUserRecord | null,
		open: () => Promise<Workspace>,
	): Promise<Workspace>;
	noticeOf(userId: string | null, isSignedIn: boolean): Promise<UserChangedNotice>;
	/** Calls made while one is under way join it. */
	signOut(
		workspace: Workspace,
		options: SignOutOptions,
		flush: () => Promise<unknown>,
	): Promise<SignOutResult>;
	/** @throws PixSyncError `unauthorised` while nobody is signed in. */
	adopt(workspace: Workspace): Promise<AdoptResult & { readonly tables: readonly string[] }>;
}

export interface IdentityOptions {
	readonly databaseName: string;
	readonly environment: StorageEnvironment;
	readonly locks: LockManagerLike | null;
	readonly lastUser: LastUser;
	readonly session: Session;
	readonly host: () => WorkspaceHost;
	readonly specs: ReadonlyMap<string, TableSpec>;
	readonly policy: SignOutPolicy;
	readonly createId: () => string;
}

export function createIdentity(options: IdentityOptions): Identity {
	const { databaseName, environment, lastUser, session, specs, policy } = options;
	const anonymous = createAnonymous(options);
	const discarder = createDiscarder(databaseName, environment, lastUser);
	let leaving: Promise<SignOutResult> | null = null;
	return {
		async enter(userId, last, open) {
			await discarder.finish(last);
			if (userId !== null) await anonymous.settle();
			const workspace = await open();
			if (userId === null) {
				try {
					await anonymous.settle(workspace.store);
				} catch (error) {
					workspace.store.close();
					throw error;
				}
			}
			return workspace;
		},
		async noticeOf(user, isSignedIn) {
			// A count that cannot be had keeps nobody from signing in.
			const count = isSignedIn ? await anonymous.count().catch(() => 0) : 0;
			return { user, isSignedIn, anonymous: count };
		},
		signOut(workspace, given, flush) {
			const host = options.host();
			leaving ??= signOut({ workspace, host, session, policy, flush, discarder }, given).finally(() => {
				leaving = null;
			});
			return leaving;
		},
		async adopt(workspace) {
			if (workspace.userId === null || !options.host().isSignedIn()) throw notSignedIn();
			return anonymous.adopt(workspace, [...specs.values()]);
		},
	};
}

function notSignedIn(): PixSyncError {
	return new PixSyncError('unauthorised', 'Nobody is signed in', {
		hint: 'Sign in first: what was written signed out becomes that user’s.',
	});
}
