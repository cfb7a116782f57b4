import { type Actor, createActor, type InspectionEvent, SimulatedClock } from 'xstate';
import { PixSyncError, unreachable } from '../../../src/core/errors.ts';
import type { SyncResult } from '../../../src/core/types.ts';
import { createSyncMachine } from '../../../src/machines/create-sync-machine.ts';
import type { syncMachine } from '../../../src/machines/sync.machine.ts';
import type { SyncInput } from '../../../src/machines/sync-protocol.ts';
import { LIVE_DELAY_MS } from '../../../src/machines/sync-setup.ts';
import { sessionRefused, toRefused } from '../memory-errors.ts';
import { type DeviceWorld, openDeviceWorld, TABLE } from './device-world.ts';
import { createGates, flush, type Gates } from './gates.ts';
import type { RootEventName } from './root-events.ts';

export const INTERVAL_MS = 1_000;

/** One `sync()`: asked for, and answered. */
export interface AskedSync {
	/** The row that was queued just before it. */
	readonly rowId: string;
	result: SyncResult | null;
}

/** The root's shipping chart with its real table on real services, and the hands that make events happen. */
export interface RootRun {
	readonly actor: Actor<typeof syncMachine>;
	readonly world: DeviceWorld;
	readonly gates: Gates;
	/** By token. */
	readonly syncs: ReadonlyMap<number, AskedSync>;
	/** Results of syncs that the schedule wished for. */
	readonly scheduled: readonly SyncResult[];
	tableState(): string | undefined;
	perform(event: RootEventName, ahead: readonly RootEventName[]): Promise<void>;
	/** Lets the table's services run, one after the other, until it is at rest. */
	rest(): Promise<void>;
	/** Queues a row and asks for a sync. */
	ask(): Promise<AskedSync>;
	close(): void;
}

export interface RootRunOptions {
	readonly input?: SyncInput;
	/** @default the shipping one */
	readonly chart?: typeof syncMachine;
	readonly inspect?: ((event: InspectionEvent) => void) | undefined;
	/** Whether the table comes to rest by itself after each event. A run's paths settle its steps themselves. */
	readonly isResting: boolean;
}

export async function startRootRun({
	input = {},
	chart,
	inspect,
	isResting,
}: RootRunOptions): Promise<RootRun> {
	const world = await openDeviceWorld();
	const gates = createGates();
	const clock = new SimulatedClock();
	const syncs = new Map<number, AskedSync>();
	const scheduled: SyncResult[] = [];
	let enabledAt = 0;
	const actor = createActor(wire(world, gates, chart), {
		clock,
		// Forged ends are told to it, in their hundreds where a test tries them.
		logger: () => undefined,
		input: { random: () => 0.5, now: world.now, ...input },
		...(inspect ? { inspect } : {}),
	});
	actor.subscribe({ error: () => undefined });
	actor.on('sync.completed', ({ waiters }) => {
		for (const { token, result } of waiters) {
			const asked = token === null ? undefined : syncs.get(token);
			if (asked) asked.result = result;
			else scheduled.push(result);
		}
	});
	actor.start();

	const running = () => gates.held.filter(({ name }) => name !== 'refresh');

	async function rest(): Promise<void> {
		for (let turn = 0; turn < 30; turn++) {
			const [call] = running();
			if (!call) return;
			world.tick();
			await call.release();
		}
		throw new Error('the table does not come to rest');
	}

	async function ask(): Promise<AskedSync> {
		const token = syncs.size + 1;
		const asked: AskedSync = { rowId: await world.create(`sync ${token}`), result: null };
		syncs.set(token, asked);
		actor.send({ type: 'sync.request', token });
		return asked;
	}

	async function release(name: string, push: DeviceWorld['push'] = 'pass'): Promise<void> {
		world.tick();
		world.push = push;
		await gates.only(name).release();
		world.push = 'pass';
	}

	/** All batches of the upload, or all pages of the download: the root hears of the last alone. */
	async function releaseAll(name: 'upload' | 'download'): Promise<void> {
		for (let turn = 0; turn < 10 && running()[0]?.name === name; turn++) await release(name);
	}

	/** The server takes the session for expired, once. */
	async function refuseSession(): Promise<void> {
		await ask();
		await release('upload', () => sessionRefused(TABLE));
	}

	async function toggleNetwork(): Promise<void> {
		for (const isOnline of [false, true]) {
			actor.send({ type: 'network.changed', isOnline });
			await flush();
		}
	}

	async function perform(event: RootEventName, ahead: readonly RootEventName[]): Promise<void> {
		const { isOnline, isAuthorised, isLeader } = actor.getSnapshot().context;
		switch (event) {
			case 'storage.hydrated':
				return actor.send({ type: event, dirty: [] });
			case 'storage.closed':
			case 'schedule.disable':
			case 'visibility.gained':
			case 'poke.received':
				return actor.send({ type: event });
			case 'network.changed':
				return actor.send({ type: event, isOnline: !isOnline });
			case 'session.changed':
				return actor.send({ type: event, isValid: !isAuthorised });
			case 'leadership.changed':
				return actor.send({ type: event, isLeader: !isLeader });
			case 'table.register':
				return actor.send({ type: event, spec: { table: TABLE, dependsOn: [] } });
			case 'schedule.enable':
				enabledAt = clock.now();
				return actor.send({ type: event, intervalMs: INTERVAL_MS });
			case 'gate.opened':
				return toggleNetwork();
			case 'mutation.queued': {
				// For the interval to end while writes are gathered, they must come late in it.
				const timer = ahead.find((name) => name.startsWith('after '));
				const isQuiet = actor.getSnapshot().matches({ schedule: { auto: 'quiet' } });
				if (isQuiet && timer === 'after interval') {
					clock.increment(enabledAt + INTERVAL_MS - LIVE_DELAY_MS / 2 - clock.now());
				}
				await world.create('queued');
				return actor.send({ type: event, tables: [TABLE] });
			}
			case 'after interval': {
				clock.increment(enabledAt + INTERVAL_MS - clock.now());
				enabledAt = clock.now();
				return;
			}
			case 'after live delay':
				return clock.increment(LIVE_DELAY_MS);
			case 'sync.request':
				return void (await ask());
			case 'session refused':
				return refuseSession();
			case 'session refused twice':
				await refuseSession();
				await gates.only('refresh').release();
				return release('upload', () => sessionRefused(TABLE));
			case 'refresh done':
				return gates.only('refresh').release();
			case 'refresh failed':
				return gates.only('refresh').release(sessionRefused(TABLE));
			case 'upload done':
				return releaseAll('upload');
			case 'upload fatal':
				return release('upload', () => toRefused(TABLE, { code: '42P01', message: 'no such table' }));
			case 'download due':
				await world.create('made meanwhile');
				return releaseAll('download');
			case 'download head':
				// What an upload refused before has left would be due.
				await world.settle();
				return releaseAll('download');
			case 'download fatal':
				world.tick();
				return gates.only('download').release(brokenDisk());
			default:
				return unreachable(event);
		}
	}

	return {
		actor,
		world,
		gates,
		syncs,
		scheduled,
		tableState: () => actor.getSnapshot().context.tables[TABLE]?.ref.getSnapshot().value,
		async perform(event, ahead) {
			world.tick();
			await perform(event, ahead);
			await flush();
			if (isResting) await rest();
		},
		rest,
		ask,
		close() {
			actor.stop();
			world.close();
		},
	};
}

function wire(world: DeviceWorld, gates: Gates, chart?: typeof syncMachine): typeof syncMachine {
	const { services } = world;
	const shipped = createSyncMachine({
		upload: (input, signal) => gates.hold('upload', input, signal, () => services.upload(input, signal)),
		download: (input, signal) =>
			gates.hold('download', input, signal, () => services.download(input, signal)),
		resolve: (input, signal) => gates.hold('resolve', input, signal, () => services.resolve(input, signal)),
		endPull: (input) => services.endPull(input),
		refreshSession: (signal) => gates.hold('refresh', null, signal, async () => undefined),
	});
	if (!chart) return shipped;
	const { table, refreshSession } = shipped.implementations.actors as never as Record<string, never>;
	return chart.provide({ actors: { table, refreshSession } } as never);
}

function brokenDisk(): PixSyncError {
	return new PixSyncError('storage', 'The disk is broken', { fault: 'fatal', hint: 'none' });
}
