import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Pool, PoolConfig } from 'pg';
import { type WebSocket, WebSocketServer } from 'ws';
import {
	type CapturedChange,
	followChanges,
	isPublished,
	isVisible,
	publishTable,
} from './realtime-changes.ts';
import { type Frame, type FrameVersion, parseFrame, sendFrame } from './realtime-frames.ts';
import type { Tokens } from './tokens.ts';

export const REALTIME_PATH = '/realtime/v1/websocket';

/** What a test may do with the endpoint. */
export interface RealtimeControl {
	/** Adds a table to the publication, as in the dashboard. As written in SQL. */
	publish(table: string): Promise<void>;
	/** Channels joined so far. */
	readonly joins: readonly Join[];
	/** Channels open now. */
	readonly channels: number;
	/** Events sent since the start. */
	readonly sent: number;
	/** ms between the reply to a join and the `system` message that says that events flow. @default 5 */
	systemDelayMs: number;
	/** While true, nothing is answered and no event sent; the sockets stay open. */
	isSilent: boolean;
	/** The next events that nobody is told of. */
	swallow(events: number): void;
	/** Closes all channels as it does when their tokens end. */
	expire(): void;
	/** Destroys all sockets. */
	drop(): void;
}

export interface Join {
	readonly topic: string;
	readonly tables: readonly string[];
	/** What was given as the access token. */
	readonly token: unknown;
}

export interface Realtime extends RealtimeControl {
	upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
	stop(): Promise<void>;
}

interface Channel {
	readonly socket: WebSocket;
	readonly version: FrameVersion;
	readonly topic: string;
	readonly joinRef: string | null;
	readonly bindings: readonly Binding[];
	claims: Readonly<Record<string, unknown>>;
	expiry: ReturnType<typeof setTimeout> | undefined;
	/** Events flow. */
	isLive: boolean;
}

interface Binding {
	readonly id: number;
	readonly event: string;
	readonly schema: string;
	readonly table?: string;
	readonly filter?: string;
}

export interface RealtimeOptions {
	readonly config: PoolConfig;
	readonly pool: Pool;
	readonly tokens: Tokens;
	readonly anonKey: string;
}

/**
 * The part of Supabase's Realtime that row changes need: `postgres_changes` over Phoenix' protocol, versions 1 and
 * 2, policies applied to INSERT and UPDATE and not to DELETE, tokens that end. No broadcast, no presence.
 */
export function createRealtime({ config, pool, tokens, anonKey }: RealtimeOptions): Realtime {
	const server = new WebSocketServer({ noServer: true });
	const channels = new Map<string, Channel>();
	const joins: RealtimeControl['joins'][number][] = [];
	let following: Promise<() => Promise<void>> | undefined;
	let bindingIds = 0;
	let socketIds = 0;
	let sent = 0;
	let swallowed = 0;
	let stopping = false;

	const control = {
		publish: (table: string) => publishTable(pool, table),
		joins,
		get channels() {
			return channels.size;
		},
		get sent() {
			return sent;
		},
		systemDelayMs: 5,
		isSilent: false,
		swallow(events: number) {
			swallowed += events;
		},
		expire() {
			for (const key of [...channels.keys()]) close(key, 'Token has expired');
		},
		drop() {
			for (const socket of server.clients) socket.terminate();
		},
	};

	function send(channel: Channel, frame: Partial<Frame>): void {
		if (control.isSilent) return;
		const whole = {
			joinRef: channel.joinRef,
			ref: null,
			topic: channel.topic,
			event: '',
			payload: {},
			...frame,
		};
		sendFrame(channel.socket, channel.version, whole);
	}

	function close(key: string, message: string | null): void {
		const channel = channels.get(key);
		if (!channel) return;
		channels.delete(key);
		clearTimeout(channel.expiry);
		if (message !== null) system(channel, 'error', message, 'system');
		send(channel, { event: 'phx_close' });
	}

	function system(
		channel: Channel,
		status: 'ok' | 'error',
		message: string,
		extension = 'postgres_changes',
	): void {
		const topic = channel.topic.replace(/^realtime:/, '');
		send(channel, {
			event: 'system',
			payload: { channel: topic, extension, status, message },
		});
	}

	async function authorise(channel: Channel, key: string, token: unknown): Promise<boolean> {
		const claims = await tokens.verify(typeof token === 'string' ? token : anonKey);
		if (!claims) return false;
		channel.claims = claims;
		clearTimeout(channel.expiry);
		const leftMs = Number(claims.exp ?? 0) * 1000 - Date.now();
		if (leftMs < 2 ** 31) channel.expiry = setTimeout(() => close(key, 'Token has expired'), leftMs);
		channel.expiry?.unref();
		return true;
	}

	async function join(socket: WebSocket, version: FrameVersion, frame: Frame, key: string): Promise<void> {
		const { topic, joinRef, ref } = frame;
		const given = (frame.payload.config as { postgres_changes?: Omit<Binding, 'id'>[] } | undefined)
			?.postgres_changes;
		const bindings = (given ?? []).map((binding) => ({ ...binding, id: ++bindingIds }));
		const tables = bindings.map(({ table }) => table ?? '*');
		const channel: Channel = {
			...{ socket, version, topic, joinRef: joinRef ?? ref, bindings },
			...{ claims: {}, expiry: undefined, isLive: false },
		};
		if (!(await authorise(channel, key, frame.payload.access_token))) {
			send(channel, {
				...{ ref, event: 'phx_reply' },
				payload: { status: 'error', response: { reason: 'InvalidJWTToken: Token has expired' } },
			});
			return;
		}
		following ??= followChanges(config, pool, publishChange);
		await following;
		close(key, null);
		channels.set(key, channel);
		joins.push({ topic, tables, token: frame.payload.access_token });
		send(channel, {
			...{ ref, event: 'phx_reply' },
			payload: { status: 'ok', response: { postgres_changes: bindings } },
		});
		const published = await Promise.all(
			bindings.map(({ schema, table }) => isPublished(pool, schema, table ?? '*')),
		);
		setTimeout(() => {
			if (channels.get(key) !== channel || stopping) return;
			if (published.includes(false)) {
				const what = 'Unable to subscribe to changes with given parameters';
				system(
					channel,
					'error',
					`${what}. Please check Realtime is enabled for the given connect parameters`,
				);
				return;
			}
			channel.isLive = true;
			system(channel, 'ok', 'Subscribed to PostgreSQL');
		}, control.systemDelayMs).unref();
	}

	async function publishChange(change: CapturedChange): Promise<void> {
		if (swallowed > 0) {
			swallowed--;
			return;
		}
		for (const channel of [...channels.values()]) {
			const ids = channel.bindings.filter((binding) => isWanted(binding, change)).map(({ id }) => id);
			if (!channel.isLive || ids.length === 0) continue;
			// As the real one: who may see a row that is gone nobody can say, and its key is told to all (F22).
			if (change.type !== 'DELETE' && !(await isVisible(pool, change, channel.claims))) continue;
			const { schema, table, type, columns, record, oldKey, committedAt } = change;
			const data = {
				...{ schema, table, type, columns, record, errors: null, commit_timestamp: committedAt },
				...(oldKey ? { old_record: oldKey } : {}),
			};
			sent++;
			send(channel, { joinRef: null, event: 'postgres_changes', payload: { ids, data } });
		}
	}

	async function receive(socket: WebSocket, version: FrameVersion, frame: Frame, key: string): Promise<void> {
		const { topic, event, ref, joinRef } = frame;
		const ok = () =>
			control.isSilent ||
			sendFrame(socket, version, {
				...{ joinRef, ref, topic, event: 'phx_reply' },
				payload: { status: 'ok', response: {} },
			});
		if (control.isSilent) return;
		switch (event) {
			case 'heartbeat':
				ok();
				return;
			case 'phx_join':
				return join(socket, version, frame, key);
			case 'phx_leave':
				ok();
				return close(key, null);
			case 'access_token': {
				const channel = channels.get(key);
				if (channel && !(await authorise(channel, key, frame.payload.access_token))) {
					close(key, 'Token has expired');
				}
			}
		}
	}

	// Onto the object itself: its properties are live.
	return Object.assign(control, {
		upgrade(request: IncomingMessage, raw: Duplex, head: Buffer) {
			const version =
				new URL(request.url ?? '', 'http://localhost').searchParams.get('vsn') === '2.0.0' ? 2 : 1;
			server.handleUpgrade(request, raw, head, (socket) => {
				const own = `${++socketIds} `;
				socket.on('error', () => undefined);
				socket.on('message', (data) => {
					const frame = parseFrame(version, String(data));
					receive(socket, version, frame, own + frame.topic).catch(() => socket.terminate());
				});
				socket.on('close', () => {
					for (const [key, channel] of channels) {
						if (channel.socket !== socket) continue;
						clearTimeout(channel.expiry);
						channels.delete(key);
					}
				});
			});
		},
		async stop() {
			stopping = true;
			control.drop();
			for (const { expiry } of channels.values()) clearTimeout(expiry);
			await (await following)?.();
			server.close();
		},
	} satisfies Pick<Realtime, 'upgrade' | 'stop'>);
}

function isWanted({ event, schema, table = '*' }: Binding, change: CapturedChange): boolean {
	return (
		(event === '*' || event === change.type) &&
		(schema === '*' || schema === change.schema) &&
		(table === '*' || table === change.table)
	);
}
