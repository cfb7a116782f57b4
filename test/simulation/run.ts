import { auditEnd } from './audit-end.ts';
import { type Operation, toStory } from './operation.ts';
import { perform, USERS } from './perform.ts';
import { type Counters, createWorld, type Violation, type World, type WorldOptions } from './world.ts';

export interface RunResult {
	readonly violations: readonly Violation[];
	/** Points of the whole run, the healing included. */
	readonly points: number;
	/** Points before the healing: all that the program itself came to. */
	readonly faultyPoints: number;
	/** Transactions that may write, before the healing. */
	readonly faultyWrites: number;
	readonly traceHash: string;
	/** All that had happened at each point, in short. */
	readonly histories: readonly string[];
	readonly trace: readonly string[];
	readonly counters: Counters;
	readonly story: string;
}

export interface RunOptions extends WorldOptions {
	readonly program: readonly Operation[];
	/** What a test does to the world between the program and the healing. */
	readonly midway?: (world: World) => Promise<void>;
}

/** One program in one world: faults first, then heal and converge. Stops at the first step that breaks a promise. */
export async function run(options: RunOptions): Promise<RunResult> {
	const { warn, error } = console;
	const world = createWorld(options);
	console.warn = (...text) => world.overhear(null, text);
	console.error = (...text) => world.overhear(null, text);
	try {
		for (const [name, tabs] of Object.entries(options.devices ?? { alice: 1, bob: 1 })) {
			const device = world.devices.find((one) => one.name === name);
			if (!device) throw new Error(`No device ${name}`);
			device.auth.signIn(USERS[0]);
			for (let at = 1; at <= tabs; at++) world.open(device, `tab${at}`);
		}
		await world.time.drain();
		for (const operation of options.program) {
			await perform(world, operation);
			if (world.violations.length > 0) break;
		}
		if (world.violations.length === 0) await options.midway?.(world);
		const [faultyPoints, faultyWrites] = [world.points, world.writes];
		if (world.violations.length === 0) await auditEnd(world);
		return {
			...{ violations: world.violations, points: world.points, faultyPoints, faultyWrites },
			...{
				traceHash: world.traceHash(),
				histories: world.histories,
				trace: world.trace(),
				counters: world.counters,
			},
			story: toStory(options.program),
		};
	} finally {
		Object.assign(console, { warn, error });
		world.uninstall();
	}
}
