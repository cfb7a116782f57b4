import { createActor, type InspectionEvent, SimulatedClock } from 'xstate';
import type {
	DownloadInput,
	DownloadOutput,
	ResolveInput,
	ResolveOutput,
	UploadInput,
	UploadOutput,
} from '../../src/core/run-contract.ts';
import type { SyncResult } from '../../src/core/types.ts';
import { createSyncMachine } from '../../src/machines/create-sync-machine.ts';
import type { SyncEvent, SyncInput } from '../../src/machines/sync-protocol.ts';
import { downloaded, flush, resolved, uploaded } from './table-chart.ts';

/** One call of a service, which ends when the test says so. */
export interface Call<I = unknown, O = unknown> {
	readonly name: 'upload' | 'download' | 'resolve' | 'refresh';
	readonly table: string;
	readonly input: I;
	readonly signal: AbortSignal;
	readonly resolve: (output: O) => void;
	readonly reject: (error: unknown) => void;
	isOpen: boolean;
}

export interface SyncChartOptions {
	readonly input?: SyncInput;
	readonly tables?: Readonly<Record<string, readonly string[]>>;
	readonly inspect?: (event: InspectionEvent) => void;
}

/** The root with real table machines on a simulated clock, and services that the test settles. */
export function startSync({ input = {}, tables = {}, inspect }: SyncChartOptions = {}) {
	const clock = new SimulatedClock();
	const calls: Call<never, never>[] = [];
	const completed: { token: number | null; result: SyncResult }[] = [];
	const errors: unknown[] = [];

	function call<I, O>(name: Call['name'], table: string, given: I, signal: AbortSignal): Promise<O> {
		return new Promise((resolve, reject) => {
			const entry: Call<I, O> = {
				name,
				table,
				input: given,
				signal,
				isOpen: true,
				resolve: (output) => {
					entry.isOpen = false;
					resolve(output);
				},
				reject: (error) => {
					entry.isOpen = false;
					reject(error);
				},
			};
			signal.addEventListener('abort', () => {
				entry.isOpen = false;
				reject(signal.reason);
			});
			calls.push(entry as unknown as Call<never, never>);
		});
	}

	const actor = createActor(
		createSyncMachine({
			upload: (given, signal) => call<UploadInput, UploadOutput>('upload', given.table, given, signal),
			download: (given, signal) =>
				call<DownloadInput, DownloadOutput>('download', given.table, given, signal),
			resolve: (given, signal) => call<ResolveInput, ResolveOutput>('resolve', given.table, given, signal),
			endPull: () => undefined,
			refreshSession: (signal) => call<null, void>('refresh', '', null, signal),
		}),
		{
			clock,
			input: { random: () => 0.5, now: () => clock.now(), ...input },
			...(inspect ? { inspect } : {}),
		},
	);
	actor.subscribe({ error: (error) => errors.push(error) });
	actor.on('sync.completed', ({ waiters }) => completed.push(...waiters));
	actor.start();

	const chart = {
		actor,
		clock,
		calls,
		completed,
		errors,
		send: (...events: SyncEvent[]) => {
			for (const event of events) actor.send(event);
		},
		register: (table: string, dependsOn: readonly string[] = []) =>
			actor.send({ type: 'table.register', spec: { table, dependsOn } }),
		hydrate: (dirty: readonly string[] = []) => actor.send({ type: 'storage.hydrated', dirty }),
		sync: (token: number | null, names?: readonly string[]) =>
			actor.send({ type: 'sync.request', token, ...(names ? { tables: names } : {}) }),
		value: () => {
			const { status, value } = actor.getSnapshot();
			if (status !== 'active') throw new Error(`the root has ended: ${status}`);
			return value as { gate: unknown; schedule: unknown; run: unknown };
		},
		tableState: (table: string) => actor.getSnapshot().context.tables[table]?.ref.getSnapshot().value,
		/** What runs now, as `name table`. */
		open: () => calls.filter(({ isOpen }) => isOpen).map(({ name, table }) => `${name} ${table}`.trim()),
		of: (name: Call['name']) => calls.filter((one) => one.name === name),
		running(name: Call['name'], table: string): Call<never, never> {
			const found = calls.find((one) => one.isOpen && one.name === name && one.table === table);
			if (!found) throw new Error(`no open ${name} of ${table}; open: ${chart.open()}`);
			return found;
		},
		async uploaded(table: string, output: Partial<UploadOutput> = {}) {
			chart.running('upload', table).resolve(uploaded(output) as never);
			await flush();
		},
		async downloaded(table: string, output: Partial<DownloadOutput> = {}) {
			chart.running('download', table).resolve(downloaded(output) as never);
			await flush();
		},
		async resolved(table: string, output: Partial<ResolveOutput> = {}) {
			chart.running('resolve', table).resolve(resolved(output) as never);
			await flush();
		},
		async fail(name: Call['name'], table: string, error: unknown) {
			chart.running(name, table).reject(error);
			await flush();
		},
		async refreshed() {
			chart.running('refresh', '').resolve(undefined as never);
			await flush();
		},
		/** Upload and download of each table end well until nothing runs. */
		async finish() {
			for (let turn = 0; turn < 50 && chart.open().length > 0; turn++) {
				for (const one of calls.filter(({ isOpen }) => isOpen)) {
					if (one.name === 'upload') one.resolve(uploaded() as never);
					else if (one.name === 'download') one.resolve(downloaded() as never);
					else if (one.name === 'resolve') one.resolve(resolved() as never);
					else one.resolve(undefined as never);
				}
				await flush();
			}
		},
	};
	for (const [table, dependsOn] of Object.entries(tables)) chart.register(table, dependsOn);
	return chart;
}

export type SyncChart = ReturnType<typeof startSync>;
