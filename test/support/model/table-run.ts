import { type Actor, createActor, fromTransition, type InspectionEvent, SimulatedClock } from 'xstate';
import { PixSyncError, unreachable } from '../../../src/core/errors.ts';
import type { DownloadInput } from '../../../src/core/run-contract.ts';
import { createSyncMachine } from '../../../src/machines/create-sync-machine.ts';
import { tableMachine } from '../../../src/machines/table.machine.ts';
import type { TableReport } from '../../../src/machines/table-protocol.ts';
import { takeLeadership } from '../../../src/services/workspace.ts';
import { connectionLost, sessionRefused, toRefused } from '../memory-errors.ts';
import { fault } from '../table-chart.ts';
import { type DeviceWorld, openDeviceWorld, TABLE } from './device-world.ts';
import { createGates, type Gates } from './gates.ts';
import type { TableEventName } from './table-model.ts';
import { createTableScenes, type TableScenes } from './table-scenes.ts';

/** A table's shipping chart on real services, and the hands that make happen what a path says. */
export interface TableRun extends TableScenes {
	readonly actor: Actor<typeof tableMachine>;
	readonly world: DeviceWorld;
	readonly gates: Gates;
	readonly reports: readonly TableReport[];
	/** Names of pulls that the chart has ended. */
	readonly endedPulls: number;
	/** Makes the event happen. */
	perform(event: TableEventName): Promise<void>;
	close(): void;
}

/** @param chart the shipping one, or a mutant of it. */
export async function startTableRun(
	chart: typeof tableMachine = tableMachine,
	inspect?: (event: InspectionEvent) => void,
): Promise<TableRun> {
	const world = await openDeviceWorld();
	world.isStepwise = true;
	const gates = createGates();
	const clock = new SimulatedClock();
	const reports: TableReport[] = [];
	let endedPulls = 0;
	let requests = 0;
	/** The pull whose next page was asked for ahead. */
	let pullAhead: number | null = null;
	const scenes = createTableScenes(world, gates, () => pullAhead);
	const parent = createActor(
		fromTransition((state: null, event: TableReport) => {
			reports.push(event);
			return state;
		}, null),
	).start();
	const actor = createActor(
		wire(chart, world, gates, () => endedPulls++),
		{
			clock,
			// Forged ends are told to it, in their hundreds where a test tries them.
			logger: () => undefined,
			input: { table: TABLE, parent, random: () => 0.5, now: world.now },
			...(inspect ? { inspect } : {}),
		},
	);
	actor.subscribe({ error: () => undefined });
	actor.start();

	async function download(verdict: 'pass' | (() => unknown)): Promise<void> {
		const step = gates.only('download');
		const { pull } = step.input as DownloadInput;
		world.admitPull(verdict, pull === pullAhead);
		await step.release();
		const [next] = gates.held;
		const isSame = next?.name === 'download' && (next.input as DownloadInput).pull === pull;
		pullAhead = isSame ? pull : null;
	}

	async function upload(verdict: 'pass' | (() => unknown)): Promise<void> {
		world.push = verdict;
		await gates.only('upload').release();
		world.push = 'pass';
	}

	return {
		actor,
		world,
		gates,
		reports,
		get endedPulls() {
			return endedPulls;
		},
		arrange: scenes.arrange,
		async perform(event) {
			switch (event) {
				case 'connection.restored':
				case 'poke.received':
					return actor.send({ type: event });
				case 'connection.lost':
					return actor.send({ type: event, error: fault('no-answer', { code: 'offline' }) });
				case 'sync.request':
					return actor.send({ type: event, request: ++requests, holdDeletes: false });
				case 'after backoff': {
					const { retryInMs } = actor.getSnapshot().context;
					world.tick(retryInMs);
					return clock.increment(retryInMs);
				}
				case 'upload conflicts':
				case 'upload more':
				case 'upload drained':
					return upload('pass');
				case 'upload unauthorised':
					return upload(() => sessionRefused(TABLE));
				case 'upload no-answer':
					return upload(() => connectionLost(TABLE));
				case 'upload fatal':
					return upload(() => toRefused(TABLE, { code: '42P01', message: 'no such table' }));
				case 'download more':
				case 'download due':
				case 'download waiting':
				case 'download head':
					return download('pass');
				case 'download unauthorised':
					return download(() => sessionRefused(TABLE));
				case 'download no-answer':
					return download(() => connectionLost(TABLE));
				case 'download fatal':
					return download(() => toRefused(TABLE, { code: '42703', message: 'no such column' }));
				case 'resolve due':
				case 'resolve settled':
					return gates.only('resolve').release();
				case 'resolve no-answer': {
					// Another tab has taken the lead: the fence turns the verdict away (R9).
					await takeLeadership({ ...world.workspace });
					await gates.only('resolve').release();
					world.workspace.epoch = await takeLeadership(world.workspace);
					return;
				}
				// Resolving asks nobody and fails with the disk alone: these come from services of an app's own.
				case 'resolve unauthorised':
					return gates.only('resolve').release(sessionRefused(TABLE));
				case 'resolve fatal':
					return gates.only('resolve').release(brokenDisk());
				default:
					return unreachable(event);
			}
		},
		close() {
			actor.stop();
			world.close();
		},
	};
}

/** The chart tied to its services as the library ties it. */
function wire(chart: typeof tableMachine, world: DeviceWorld, gates: Gates, onEndPull: () => void) {
	const { services } = world;
	const { implementations } = createSyncMachine({
		upload: (input, signal) => gates.hold('upload', input, signal, () => services.upload(input, signal)),
		download: (input, signal) =>
			gates.hold('download', input, signal, () => services.download(input, signal)),
		resolve: (input, signal) => gates.hold('resolve', input, signal, () => services.resolve(input, signal)),
		endPull(input) {
			onEndPull();
			services.endPull(input);
		},
		refreshSession: () => Promise.reject(new Error('a table alone refreshes nothing')),
	});
	const shipped = (implementations.actors as unknown as { table: typeof tableMachine }).table;
	if (chart === tableMachine) return shipped;
	const { upload, download, resolve } = shipped.implementations.actors as never as Record<string, never>;
	const { endPull } = shipped.implementations.actions as never as Record<string, never>;
	return chart.provide({ actors: { upload, download, resolve }, actions: { endPull } } as never);
}

function brokenDisk(): PixSyncError {
	return new PixSyncError('storage', 'The disk is broken', { fault: 'fatal', hint: 'none' });
}
