import { createActor, fromPromise, fromTransition, type InspectionEvent, SimulatedClock } from 'xstate';
import { type Fault, PixSyncError } from '../../src/core/errors.ts';
import type {
	DownloadInput,
	DownloadOutput,
	ResolveInput,
	ResolveOutput,
	UploadInput,
	UploadOutput,
} from '../../src/core/run-contract.ts';
import { tableMachine } from '../../src/machines/table.machine.ts';
import type { TableEmitted, TableEvent, TableInput, TableReport } from '../../src/machines/table-protocol.ts';

export type StepName = 'upload' | 'download' | 'resolve';

interface StepTypes {
	readonly upload: { readonly input: UploadInput; readonly output: UploadOutput };
	readonly download: { readonly input: DownloadInput; readonly output: DownloadOutput };
	readonly resolve: { readonly input: ResolveInput; readonly output: ResolveOutput };
}

/** One invocation of a table's service, which ends when the test says so. */
export interface OpenStep<N extends StepName = StepName> {
	readonly name: N;
	readonly input: StepTypes[N]['input'];
	readonly signal: AbortSignal;
	readonly resolve: (output: StepTypes[N]['output']) => void;
	readonly reject: (error: unknown) => void;
	isOpen: boolean;
}

const COUNTS = { uploaded: 0, downloaded: 0, conflicts: 0, errors: [] };

export const uploaded = (more: Partial<UploadOutput> = {}): UploadOutput => ({
	...COUNTS,
	waitingConflicts: 0,
	more: false,
	held: 0,
	upTo: 1,
	...more,
});

export const downloaded = (more: Partial<DownloadOutput> = {}): DownloadOutput => ({
	...COUNTS,
	rowsRead: 0,
	more: false,
	due: false,
	waitUntil: null,
	...more,
});

export const resolved = (more: Partial<ResolveOutput> = {}): ResolveOutput => ({
	...COUNTS,
	due: false,
	resolved: [],
	...more,
});

export function fault(kind: Fault, more: { code?: string; retryAfterMs?: number } = {}): PixSyncError {
	const { code = kind, retryAfterMs } = more;
	return new PixSyncError(code, `a ${kind} error`, {
		fault: kind,
		hint: 'none',
		...(retryAfterMs === undefined ? {} : { retryAfterMs }),
	});
}

export const lost: TableEvent = { type: 'connection.lost', error: fault('no-answer', { code: 'offline' }) };
export const restored: TableEvent = { type: 'connection.restored' };
export const poke: TableEvent = { type: 'poke.received' };
export const request = (number: number, holdDeletes = false): TableEvent => ({
	type: 'sync.request',
	request: number,
	holdDeletes,
});

/** The table chart on a simulated clock; the test settles its services, a stand-in for the root hears it. */
export function startTable(input: Partial<TableInput> = {}, inspect?: (event: InspectionEvent) => void) {
	const clock = new SimulatedClock();
	const steps: OpenStep[] = [];
	const reports: TableReport[] = [];
	const emitted: TableEmitted[] = [];
	const endedPulls: string[] = [];
	const errors: unknown[] = [];
	const parent = createActor(
		fromTransition((state: null, event: TableReport) => {
			reports.push(event);
			return state;
		}, null),
	).start();

	function stepLogic<N extends StepName>(name: N) {
		return fromPromise<StepTypes[N]['output'], StepTypes[N]['input']>(
			({ input: given, signal }) =>
				new Promise((resolve, reject) => {
					const step: OpenStep<N> = {
						name,
						input: given,
						signal,
						isOpen: true,
						resolve: (output) => {
							step.isOpen = false;
							resolve(output);
						},
						reject: (error) => {
							step.isOpen = false;
							reject(error);
						},
					};
					signal.addEventListener('abort', () => {
						step.isOpen = false;
					});
					steps.push(step as unknown as OpenStep);
				}),
		);
	}

	const actor = createActor(
		tableMachine.provide({
			actors: {
				upload: stepLogic('upload'),
				download: stepLogic('download'),
				resolve: stepLogic('resolve'),
			},
			actions: { endPull: (_, { table }) => endedPulls.push(table) },
		}),
		{
			clock,
			input: { table: 'notes', parent, random: () => 0.5, now: () => clock.now(), ...input },
			...(inspect ? { inspect } : {}),
		},
	);
	actor.subscribe({ error: (error) => errors.push(error) });
	actor.on('*', (event) => emitted.push(event));
	actor.start();

	const chart = {
		actor,
		clock,
		steps,
		reports,
		emitted,
		endedPulls,
		errors,
		context: () => actor.getSnapshot().context,
		state: () => {
			const { status, value } = actor.getSnapshot();
			if (status !== 'active') throw new Error(`the chart has ended: ${status}`);
			return value;
		},
		send: (...events: TableEvent[]) => {
			for (const event of events) actor.send(event);
		},
		/** The steps that wait for an answer: one at most. */
		open: () => steps.filter(({ isOpen }) => isOpen),
		/** The running step, which must be this one. */
		step<N extends StepName>(name: N): OpenStep<N> {
			const [step, ...others] = chart.open();
			if (step?.name !== name || others.length > 0) {
				throw new Error(`expected one open ${name}, found: ${chart.open().map((open) => open.name)}`);
			}
			return step as unknown as OpenStep<N>;
		},
		async done<N extends StepName>(name: N, output: StepTypes[N]['output']) {
			chart.step(name).resolve(output);
			await flush();
		},
		async fail(error: unknown) {
			const [step] = chart.open();
			if (!step) throw new Error('no step is open');
			step.reject(error);
			await flush();
		},
		reportsOf<T extends TableReport['type']>(type: T) {
			return reports.filter((report): report is Extract<TableReport, { type: T }> => report.type === type);
		},
	};
	return chart;
}

export type TableChart = ReturnType<typeof startTable>;

/** Lets settled promises reach their machine. */
export async function flush() {
	for (let i = 0; i < 6; i++) await Promise.resolve();
}
