import { fullJitter } from '../core/backoff.ts';
import { isRecord } from '../core/is-record.ts';
import { createPokeThrottle, type PokeThrottle } from '../core/poke-throttle.ts';
import type { RealtimeAccess, RealtimeChannelLike } from './realtime-access.ts';

/** Longest wait for the client to take the session's token (F6); it joins with the one that it has, then. */
const AUTH_TIMEOUT_MS = 5_000;

export interface RealtimeOptions {
	readonly access: RealtimeAccess;
	/** PostgreSQL schema of the tables. */
	readonly schema: string;
	/** The tables registered now. */
	readonly tables: () => readonly string[];
	/** "Pull soon"; all tables where none is named. */
	readonly poke: (tables?: readonly string[]) => void;
	readonly backoff: { readonly baseMs: number; readonly capMs: number };
	/** In [0, 1). */
	readonly random: () => number;
	/** Told once if the server does not tell of a table's changes. */
	readonly warn: (text: string) => void;
	/** @returns what ends the timer. @default the platform's */
	readonly setTimer?: (callback: () => void, ms: number) => () => void;
}

/** The channel to the server's changes. What it tells is only that there is something to pull. */
export interface Realtime {
	/** Whether there should be a channel: the engine may talk, and syncs by itself. */
	follow(isWanted: boolean): void;
	/** Another table was registered: a channel's tables are set when it is joined. */
	tablesChanged(): void;
	close(): void;
}

/** `tables`: each by itself, so that nothing else is sent; `schema`: all of it, where one of them is refused. */
type Scope = 'tables' | 'schema' | 'refused';

/**
 * One channel for all tables (F44). An event is a poke and nothing more: its row may be partial, late or not for this
 * user, so that none is stored and no checkpoint moves (F22, F40, F41). Events are lost between a drop and a join,
 * and flow only a while after one: hence a pull after the join and another when the server says that they flow
 * (F39); the slow poll of automatic sync finds the rest.
 *
 *   none ─follow──▶ joining ──SUBSCRIBED──▶ joined ──closed, error, time-out──▶ waiting (backoff) ──▶ joining
 *     ◀──────────────────────────── follow(false), close ────────────────────────────┘
 */
export function createRealtime(options: RealtimeOptions): Realtime {
	const { access, setTimer = defaultTimer } = options;
	const throttles = new Map<string, PokeThrottle>();
	let isWanted = false;
	let isClosed = false;
	let channel: RealtimeChannelLike | null = null;
	let scope: Scope = 'tables';
	/** Channels joined so far: what a former one still tells is past. */
	let generation = 0;
	let tries = 0;
	let isWarned = false;
	let stopTimer: () => void = () => undefined;

	async function join(): Promise<void> {
		leave();
		const own = generation;
		const tables = options.tables();
		if (tables.length === 0 || scope === 'refused') return;
		await withTimeout(access.setAuth(), AUTH_TIMEOUT_MS);
		if (own !== generation) return;
		try {
			// A name of its own: supabase-js hands out the channel that it has of a name, and that one is leaving.
			channel = access.channel(`pixsync:${crypto.randomUUID()}`);
			const { schema } = options;
			if (scope === 'schema') listen(channel, { schema }, own);
			else for (const table of tables) listen(channel, { schema, table }, own);
			channel.on('system', {}, (payload) => {
				if (own === generation) onSystem(payload);
			});
			channel.subscribe((status) => {
				if (own === generation) onStatus(status);
			});
		} catch {
			// No WebSocket, a client that was closed: polling goes on.
			retry();
		}
	}

	function listen(
		joining: RealtimeChannelLike,
		filter: { readonly schema: string; readonly table?: string },
		own: number,
	): void {
		joining.on('postgres_changes', { event: '*', ...filter }, (payload) => {
			if (own === generation) onChange(filter.table ?? tableOf(payload));
		});
	}

	function onChange(table: unknown): void {
		if (typeof table !== 'string' || !options.tables().includes(table)) return;
		let throttle = throttles.get(table);
		if (!throttle) {
			throttle = createPokeThrottle({ onPoke: () => options.poke([table]), setTimer });
			throttles.set(table, throttle);
		}
		throttle.poke();
	}

	function onStatus(status: string): void {
		if (status !== 'SUBSCRIBED') retry();
		else {
			tries = 0;
			options.poke();
		}
	}

	function onSystem(payload: unknown): void {
		if (!isRecord(payload) || payload.extension !== 'postgres_changes') return;
		if (payload.status === 'ok') {
			options.poke();
			return;
		}
		// What ends a channel for another reason, such as its token, says `system` there and closes it.
		warnOnce();
		scope = scope === 'tables' ? 'schema' : 'refused';
		retry();
	}

	function warnOnce(): void {
		if (isWarned) return;
		isWarned = true;
		options.warn(
			'PixSync: Realtime does not tell of a table’s changes, which now come by polling. `npx pixsync doctor` says which, and how to add it to the publication.',
		);
	}

	function retry(): void {
		leave();
		const own = generation;
		const { backoff, random } = options;
		// Never at once: a server that closes each channel would be asked without end.
		const delay = backoff.baseMs / 2 + fullJitter({ attempts: ++tries, ...backoff, random });
		stopTimer = setTimer(() => {
			if (own === generation && isWanted) void join();
		}, delay);
	}

	/** Whatever a former channel, join or timer still does is of no concern from now on. */
	function leave(): void {
		generation++;
		stopTimer();
		for (const throttle of throttles.values()) throttle.stop();
		const former = channel;
		channel = null;
		if (former) access.removeChannel(former).catch(() => undefined);
	}

	return {
		follow(next) {
			if (isClosed || next === isWanted) return;
			isWanted = next;
			tries = 0;
			// A publication may have been mended since.
			scope = 'tables';
			if (isWanted) void join();
			else leave();
		},
		tablesChanged() {
			if (!isWanted || isClosed) return;
			leave();
			const own = generation;
			// Apps register several tables in a row.
			stopTimer = setTimer(() => {
				if (own === generation && isWanted) void join();
			}, 0);
		},
		close() {
			isClosed = true;
			isWanted = false;
			leave();
		},
	};
}

function tableOf(payload: unknown): unknown {
	return isRecord(payload) ? payload.table : undefined;
}

async function withTimeout(work: Promise<unknown>, ms: number): Promise<void> {
	let stop: () => void = () => undefined;
	const late = new Promise<void>((resolve) => {
		stop = defaultTimer(resolve, ms);
	});
	await Promise.race([work.catch(() => undefined), late]);
	stop();
}

function defaultTimer(callback: () => void, ms: number): () => void {
	const timer = setTimeout(callback, ms);
	return () => clearTimeout(timer);
}
