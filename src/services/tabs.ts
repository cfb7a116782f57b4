import { PixSyncError, toPixSyncError } from '../core/errors.ts';
import type { SyncNoticeName } from '../core/sync-notice.ts';
import { awaitLeadership, type LockManagerLike } from './leadership.ts';
import {
	fromPlainError,
	fromWire,
	type TabCallName,
	type TabMessage,
	toPlainError,
	toWire,
} from './tab-message.ts';

/** The part of BroadcastChannel that tabs need. */
export interface TabChannel {
	postMessage(data: unknown): void;
	onmessage: ((event: MessageEvent) => void) | null;
	close(): void;
}

export interface TabsOptions {
	/** The database's: tabs of other users are not on the channel (S18). */
	readonly name: string;
	/** Null: the database is not shared, or the platform has no locks: this tab leads, and there are no others. */
	readonly locks: LockManagerLike | null;
	/** Returns null: tabs do not hear of each other. They take turns all the same, and a silent leader keeps the lead. */
	readonly openChannel: (name: string) => TabChannel | null;
	/** Whether this tab is out of sight: its timers are then throttled. */
	readonly isHidden: () => boolean;
	/** Device ms. */
	readonly now: () => number;
	/** @returns what ends the timer. */
	readonly setTimer: (callback: () => void, ms: number) => () => void;
	readonly createId: () => string;
	/** Takes the lead in the database. @returns the new epoch; null: it is not wanted any more. */
	readonly takeLead: () => Promise<number | null>;
	/** This tab leads from now on. */
	readonly began: (epoch: number) => void;
	/** This tab leads no more. */
	readonly lose: () => void;
	/** Whether no other tab has begun to lead since; asked of the database. */
	readonly isStillLeading: () => Promise<boolean>;
	/** Of the leader: what followers show. Plain data. */
	readonly state: () => unknown;
	/** Of a follower: what the leader does; null: it is not heard. */
	readonly stateChanged: (state: unknown) => void;
	readonly queued: (tables: readonly string[]) => void;
	readonly called: (name: TabCallName, args: readonly unknown[]) => Promise<unknown>;
	readonly noticed: (name: SyncNoticeName, notice: unknown) => void;
}

/** This tab among the tabs of its database (R24). */
export interface Tabs {
	/** Resolves when it is known whether this tab leads from the start. */
	readonly decided: Promise<void>;
	readonly isLeading: boolean;
	/** Tells the leader of something to upload. */
	tellQueued(tables: readonly string[]): void;
	/** Tells followers what the leader told its own listeners. */
	tellNotice(name: SyncNoticeName, notice: unknown): void;
	/** Tells followers what `state()` is now, soon. */
	tellState(): void;
	/** Asks the leader. @throws PixSyncError what it answers, or `not-leader` where none is heard. */
	call(name: TabCallName, args: readonly unknown[]): Promise<unknown>;
	/** Before something is sent: a tab that slept may not know yet that it leads no more. @throws `superseded`. */
	confirm(): Promise<void>;
	release(): void;
}

const BEAT_MS = 2_000;

/** A leader in sight that is not heard for this long is frozen or hung: three beats. */
const SILENCE_MS = 6_000;

/**
 * What a tab out of sight waits for: browsers wake its timers once a minute, so that neither its own count nor the
 * beats of a healthy leader out of sight come in time. Were they to take the lead from each other, it would go round
 * for ever.
 */
const HIDDEN_SILENCE_MS = 180_000;

/** How often a follower looks. One that looks late was asleep itself, and begins to count anew. */
const LOOK_MS = 1_000;
const LATE_MS = 3_000;

/** After a call nobody was heard of for this long: no tab leads. */
const NOBODY_MS = 10_000;

/** States follow each other quickly while pages come in; this is often enough for whoever looks. */
const STATE_MS = 100;

interface Call {
	readonly id: string;
	readonly name: TabCallName;
	readonly args: readonly unknown[];
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: PixSyncError) => void;
}

/**
 * One tab leads and syncs; the others queue durably, ask it, show what it does, and take over when it closes, crashes
 * or falls silent. The lock says who leads, the epoch in the database whose writes count (R9); the channel carries
 * nothing that would be wrong if it came late, twice or never.
 */
export function joinTabs(options: TabsOptions): Tabs {
	const { locks, now, setTimer } = options;
	if (!locks) return leadAlone(options);
	const me = options.createId();
	const channel = options.openChannel(`pixsync:${options.name}`);
	const calls = new Map<string, Call>();
	const running = new Set<string>();
	let epoch: number | null = null;
	/** The leader that this tab follows. */
	let leader: { readonly from: string; readonly epoch: number } | null = null;
	let heardAt = now();
	/** When this tab's own timer last ran. */
	let awakeAt = now();
	let isReleased = false;
	let stopTimer: () => void = () => undefined;
	let stopState: (() => void) | null = null;

	function post(message: TabMessage): void {
		if (!isReleased) channel?.postMessage(toWire({ from: me, message }));
	}

	const leadership = awaitLeadership({
		name: options.name,
		locks,
		async lead(isHeld) {
			const next = await options.takeLead();
			// Long in the database, it may have been taken for frozen, and robbed.
			if (next === null || isReleased || !isHeld()) return;
			epoch = next;
			options.began(next);
			leader = null;
			options.stateChanged(null);
			beat();
			tellState();
			for (const call of [...calls.values()]) void answerOwn(call);
		},
		lose,
	});

	function lose(): void {
		if (epoch === null) return;
		epoch = null;
		heardAt = now();
		options.lose();
		look();
	}

	function beat(): void {
		if (epoch === null) return;
		post({ kind: 'beat', epoch });
		again(beat, BEAT_MS);
	}

	function look(): void {
		if (epoch !== null) return;
		const isLate = now() - awakeAt > LOOK_MS + LATE_MS;
		// So has one whose clock was set back (F58).
		if (isLate || heardAt > now()) heardAt = now();
		const silence = now() - heardAt;
		if (leader && silence > SILENCE_MS) {
			leader = null;
			options.stateChanged(null);
		}
		// Where tabs do not hear of each other silence says nothing.
		if (channel && silence > (options.isHidden() ? HIDDEN_SILENCE_MS : SILENCE_MS)) {
			heardAt = now();
			leadership.steal();
		}
		again(look, LOOK_MS);
	}

	function again(callback: () => void, ms: number): void {
		awakeAt = now();
		stopTimer();
		if (!isReleased && channel) stopTimer = setTimer(callback, ms);
	}

	function tellState(): void {
		if (epoch === null || stopState || !channel) return;
		stopState = setTimer(() => {
			stopState = null;
			if (epoch !== null) post({ kind: 'state', state: options.state() });
		}, STATE_MS);
	}

	function onBeat(from: string, told: number): void {
		if (epoch !== null) {
			// Two leaders: the later one is right, and this one has slept.
			if (told > epoch) leadership.stepDown();
			else return;
		}
		// A former leader that has just woken up.
		if (leader && told < leader.epoch) return;
		const isNew = leader?.from !== from;
		leader = { from, epoch: told };
		heardAt = now();
		if (isNew) for (const { id, name, args } of calls.values()) post({ kind: 'call', id, name, args });
	}

	async function onCall({ id, name, args }: Pick<Call, 'id' | 'name' | 'args'>): Promise<void> {
		if (epoch === null || running.has(id)) return;
		running.add(id);
		try {
			post({ kind: 'answer', id, value: await options.called(name, args) });
		} catch (cause) {
			post({ kind: 'answer', id, error: toPlainError(toPixSyncError(cause)) });
		} finally {
			running.delete(id);
		}
	}

	async function answerOwn({ id, name, args, resolve, reject }: Call): Promise<void> {
		calls.delete(id);
		await options.called(name, args).then(resolve, (cause) => reject(toPixSyncError(cause)));
	}

	function receive({ from, message }: { readonly from: string; readonly message: TabMessage }): void {
		switch (message.kind) {
			case 'hello':
				if (epoch === null) return;
				post({ kind: 'beat', epoch });
				tellState();
				return;
			case 'beat':
				onBeat(from, message.epoch);
				return;
			case 'state':
				if (leader?.from === from) options.stateChanged(message.state);
				return;
			case 'notice':
				if (leader?.from === from) options.noticed(message.name, message.notice);
				return;
			case 'queued':
				if (epoch !== null) options.queued(message.tables);
				return;
			case 'call':
				void onCall(message);
				return;
			case 'answer': {
				const call = calls.get(message.id);
				calls.delete(message.id);
				if (message.error) call?.reject(fromPlainError(message.error));
				else call?.resolve(message.value);
			}
		}
	}

	if (channel) {
		channel.onmessage = ({ data }) => {
			const envelope = isReleased ? null : fromWire(data);
			if (envelope && envelope.from !== me) receive(envelope);
		};
	}
	post({ kind: 'hello' });
	look();

	return {
		decided: leadership.decided,
		get isLeading() {
			return epoch !== null;
		},
		tellQueued(tables) {
			if (epoch === null) post({ kind: 'queued', tables });
		},
		tellNotice(name, notice) {
			if (epoch !== null) post({ kind: 'notice', name, notice });
		},
		tellState,
		call(name, args) {
			if (!channel) return Promise.reject(notLeader());
			return new Promise((resolve, reject) => {
				const call = { id: options.createId(), name, args, resolve, reject };
				calls.set(call.id, call);
				post({ kind: 'call', id: call.id, name, args });
				const lookAgain = () => {
					if (!calls.has(call.id)) return;
					startedAt = Math.min(startedAt, now());
					if (!leader && now() - Math.max(heardAt, startedAt) >= NOBODY_MS) {
						calls.delete(call.id);
						reject(notLeader());
					} else setTimer(lookAgain, LOOK_MS);
				};
				let startedAt = now();
				setTimer(lookAgain, LOOK_MS);
			});
		},
		async confirm() {
			// Without a channel nobody takes the lead from a tab that holds it.
			const awake = now() - awakeAt;
			if (!channel || epoch === null || (awake >= 0 && awake <= BEAT_MS + LATE_MS)) return;
			if (await options.isStillLeading()) return;
			leadership.stepDown();
			throw new PixSyncError('superseded', 'Another tab has taken the lead', {
				fault: 'no-answer',
				hint: 'Nothing to do: that tab goes on.',
			});
		},
		release() {
			isReleased = true;
			epoch = null;
			stopTimer();
			stopState?.();
			leadership.release();
			channel?.close();
			for (const { reject } of calls.values()) reject(closed());
			calls.clear();
		},
	};
}

/** The only tab, or one that cannot know of others: then the epoch alone decides whose writes count. */
function leadAlone({ takeLead, began, called }: TabsOptions): Tabs {
	let isLeading = false;
	return {
		decided: takeLead().then((epoch) => {
			if (epoch === null) return;
			isLeading = true;
			began(epoch);
		}),
		get isLeading() {
			return isLeading;
		},
		tellQueued: () => undefined,
		tellNotice: () => undefined,
		tellState: () => undefined,
		call: (name, args) => called(name, args),
		confirm: async () => undefined,
		release() {
			isLeading = false;
		},
	};
}

function notLeader(): PixSyncError {
	return new PixSyncError('not-leader', 'Another tab of this app does the syncing, and does not answer', {
		fault: 'no-answer',
		hint: 'What is queued here is synced when a tab leads.',
	});
}

function closed(): PixSyncError {
	return new PixSyncError('closed', 'This SyncManager is closed', { hint: 'Create a new SyncManager.' });
}
