import { PixSyncError } from '../core/errors.ts';
import { discardDatabase } from './delete-database.ts';
import type { LastUser, LastUserRecord } from './last-user.ts';
import type { StorageEnvironment } from './open-database.ts';
import type { Session } from './session.ts';
import type { SignOutScope } from './supabase-access.ts';
import { databaseOf, type Workspace } from './workspace.ts';
import type { WorkspaceHost } from './workspace-host.ts';

/**
 * What becomes of the local data: it stays for the user's next sign-in · one sync first, and then it stays · it is
 * taken off the device.
 */
export type SignOutPolicy = 'keep' | 'flush' | 'discard';

export interface SignOutOptions {
	/** @default the manager's option `onSignOut` */
	policy?: SignOutPolicy;
	/**
	 * Asked before anything happens, and after a flush, if there are changes that the server does not have:
	 * those that wait, those parked in a conflict, and dead letters. `false` calls the sign-out off. Without it
	 * 'discard' is refused where there are some.
	 */
	onUnsynced?: (count: number) => boolean | Promise<boolean>;
	/** Longest wait for the sync of 'flush', ms. @default 10000 */
	timeoutMs?: number;
	/** Which of the user's sessions end, as in supabase-js: all, or this device's. @default 'global' */
	scope?: SignOutScope;
}

export interface SignOutResult {
	/** false: `onUnsynced` said no, and nothing has changed. */
	readonly signedOut: boolean;
	/** Changes that the server does not have. They wait for the user, unless `discarded`. */
	readonly unsynced: number;
	readonly discarded: boolean;
	/** Why the server could not be told; null: it was, or there is nothing to tell. Here the user is signed out. */
	readonly error: PixSyncError | null;
}

export interface SignOutPorts {
	readonly workspace: Workspace;
	readonly host: Pick<WorkspaceHost, 'signOut'>;
	readonly session: Pick<Session, 'signOut'>;
	readonly policy: SignOutPolicy;
	/** One sync of all tables; how it ends does not matter. */
	readonly flush: () => Promise<unknown>;
	readonly discarder: Discarder;
}

const FLUSH_TIMEOUT_MS = 10_000;

const POLICIES: readonly SignOutPolicy[] = ['keep', 'flush', 'discard'];

/** @throws PixSyncError `bad-config` names the three. */
export function assertSignOutPolicy(policy: unknown, option: string): asserts policy is SignOutPolicy {
	if (POLICIES.some((known) => known === policy)) return;
	throw new PixSyncError('bad-config', `\`${option}\` is not a policy: ${String(policy)}`, {
		hint: `Use ${POLICIES.map((known) => `'${known}'`).join(', ')}.`,
	});
}

/**
 * Signs out on purpose. Local data is locked before the auth client is asked (F5), whatever comes of that.
 * @throws PixSyncError `unsynced-changes`, `user-changed`, `storage`, `bad-config`; still signed in then.
 */
export async function signOut(ports: SignOutPorts, options: SignOutOptions): Promise<SignOutResult> {
	const { workspace, host, session } = ports;
	const policy = options.policy ?? ports.policy;
	assertSignOutPolicy(policy, 'policy');
	const timeoutMs = toTimeoutMs(options.timeoutMs);
	const scope = options.scope ?? 'global';
	const { userId } = workspace;
	if (userId === null) {
		// Nobody is, or the auth client still holds a session that was signed out here.
		return { signedOut: true, unsynced: 0, discarded: false, error: await session.signOut(scope) };
	}
	if (policy === 'flush') await within(timeoutMs, ports.flush());
	const unsynced = await workspace.store.transact('r', [], ({ outbox }) => outbox.count());
	if (unsynced > 0 && !(await isAgreed(unsynced, policy, options))) {
		return { signedOut: false, unsynced, discarded: false, error: null };
	}
	const discard = policy === 'discard' ? { userId, atMost: unsynced } : null;
	let discarded = false;
	let error: PixSyncError | null = null;
	await host.signOut(workspace, {
		discard,
		async meanwhile() {
			if (discard) discarded = await ports.discarder.discard(discard).catch(() => false);
			error = await session.signOut(scope);
		},
	});
	return { signedOut: true, unsynced, discarded, error };
}

/** Takes replicas off the device, and finishes what an app that ended in the middle has left. */
export interface Discarder {
	/** @returns whether it is gone; false: it holds more than the app was told of, and is kept. */
	discard(given: { readonly userId: string; readonly atMost: number }): Promise<boolean>;
	/**
	 * Before any replica is opened.
	 * @param last what the device was found to know just before; null: nobody has looked.
	 */
	finish(last: LastUserRecord | null): Promise<void>;
}

export function createDiscarder(
	databaseName: string,
	environment: StorageEnvironment,
	lastUser: Pick<LastUser, 'read' | 'discarded'>,
): Discarder {
	async function discard({ userId, atMost }: { userId: string; atMost: number }): Promise<boolean> {
		const isGone = await discardDatabase(databaseOf(databaseName, userId), environment, atMost);
		await lastUser.discarded(userId);
		return isGone;
	}
	return {
		discard,
		async finish(last) {
			const { discards } = last ?? (await lastUser.read());
			for (const given of discards) await discard(given);
		},
	};
}

async function isAgreed(
	count: number,
	policy: SignOutPolicy,
	{ onUnsynced }: SignOutOptions,
): Promise<boolean> {
	if (onUnsynced) return (await onUnsynced(count)) === true;
	if (policy !== 'discard') return true;
	throw new PixSyncError('unsynced-changes', `${count} changes are not at the server yet`, {
		hint: 'Sync first, sign out with { policy: "keep" }, or pass onUnsynced and return true to lose them.',
	});
}

/** Resolves with the end of `work`, or after `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const limit = new Promise<void>((resolve) => {
		timer = setTimeout(resolve, ms);
	});
	await Promise.race([work.catch(() => undefined), limit]);
	clearTimeout(timer);
}

function toTimeoutMs(given: number | undefined): number {
	if (given === undefined) return FLUSH_TIMEOUT_MS;
	if (given >= 0 && given < 2 ** 31) return given;
	throw new PixSyncError('bad-config', `\`timeoutMs\` is not a time: ${String(given)}`, {
		hint: `Leave it out for ${FLUSH_TIMEOUT_MS}.`,
	});
}
