import type { Actor } from 'xstate';
import type { SyncNoticeName } from './core/sync-notice.ts';
import type { LeaderState } from './leader-state.ts';
import type { syncMachine } from './machines/sync.machine.ts';
import type { LockManagerLike } from './services/leadership.ts';
import { type Platform, setQuietTimer } from './services/platform.ts';
import type { TabCallName } from './services/tab-message.ts';
import { joinTabs, type Tabs } from './services/tabs.ts';
import { isLeading, takeLeadership, type Workspace } from './services/workspace.ts';

/** What the façade does for other tabs, and hears of them. */
export interface TabHooks {
	/** What this tab, leading, does. */
	readonly leaderState: () => LeaderState;
	/** What {@link EngineTabs.leaderState} tells has changed. */
	readonly leaderStateChanged: () => void;
	/** Another tab asks this one, which leads. */
	readonly called: (name: TabCallName, args: readonly unknown[]) => Promise<unknown>;
	/** The leading tab has told its listeners. */
	readonly noticed: (name: SyncNoticeName, notice: unknown) => void;
}

export interface EngineTabsOptions {
	readonly actor: Actor<typeof syncMachine>;
	readonly locks: LockManagerLike | null;
	/** Whether it is the open one, and the engine too. */
	readonly isCurrent: (workspace: Workspace) => boolean;
	readonly isRegistered: (table: string) => boolean;
	readonly hooks: TabHooks;
	readonly platform: Platform;
	readonly createId: () => string;
}

/** The engine among the tabs of its database: tells the chart who leads, and keeps the epoch of the workspace. */
export interface EngineTabs {
	/** This tab among the others; null while no database is open. */
	current(): Tabs | null;
	/** What the leading tab says that it does; null: this tab leads, or none is heard. */
	leaderState(): LeaderState | null;
	/** Resolves when it is known whether this tab leads from the start. */
	join(workspace: Workspace): Promise<void>;
	leave(): void;
}

export function createEngineTabs(options: EngineTabsOptions): EngineTabs {
	const { actor, locks, isCurrent, isRegistered, hooks, platform, createId } = options;
	let tabs: Tabs | null = null;
	let leaderState: LeaderState | null = null;

	return {
		current: () => tabs,
		leaderState: () => leaderState,
		async join(workspace) {
			tabs = joinTabs({
				name: workspace.store.name,
				locks,
				openChannel: platform.openChannel,
				isHidden: platform.isHidden,
				now: platform.now,
				setTimer: (callback, ms) => setQuietTimer(platform, callback, ms),
				createId,
				async takeLead() {
					if (!isCurrent(workspace)) return null;
					const epoch = await takeLeadership(workspace);
					return isCurrent(workspace) ? epoch : null;
				},
				began(epoch) {
					workspace.epoch = epoch;
					actor.send({ type: 'leadership.changed', isLeader: true });
				},
				lose() {
					workspace.epoch = null;
					if (isCurrent(workspace)) actor.send({ type: 'leadership.changed', isLeader: false });
				},
				isStillLeading: () => isLeading(workspace),
				state: hooks.leaderState,
				stateChanged(state) {
					leaderState = state as LeaderState | null;
					if (isCurrent(workspace)) hooks.leaderStateChanged();
				},
				queued(tables) {
					// A pull under way goes by a look from before.
					workspace.store.noteWrite();
					const known = tables.filter(isRegistered);
					if (isCurrent(workspace) && known.length > 0)
						actor.send({ type: 'mutation.queued', tables: known });
				},
				called: hooks.called,
				noticed(name, notice) {
					if (isCurrent(workspace)) hooks.noticed(name, notice);
				},
			});
			await tabs.decided;
		},
		leave() {
			tabs?.release();
			tabs = null;
			leaderState = null;
		},
	};
}
