import { NetworkMonitor, SyncManager } from '../../src/index.ts';
import { createRandomSource } from '../support/random-source.ts';
import { fromStory, OPERATION_WEIGHTS, type Operation, toStory } from './operation.ts';
import { type RunResult, run } from './run.ts';
import { BAD_DAY } from './sim-network.ts';
import { STRATEGIES, schemaOf } from './sim-schema.ts';
import type { SimBuild } from './sim-tab.ts';
import type { StorageFaultPlan, Transport } from './world.ts';

/** Who takes part: one device beside direct writes at the server, two devices, or two tabs and a device. */
export const WORLDS = {
	one: { alice: 1 },
	devices: { alice: 1, bob: 1 },
	tabs: { alice: 2, bob: 1 },
} as const satisfies Record<string, Readonly<Record<string, number>>>;

/** All that decides a run: the same case gives the same trace. */
export interface SimCase {
	readonly seed: number;
	readonly world: keyof typeof WORLDS;
	/** Whether requests go wrong. */
	readonly isBadDay: boolean;
	readonly program: readonly Operation[];
	/** Of all tables. @default drawn from the seed */
	readonly strategy?: (typeof STRATEGIES)[number];
	/** Whether the app's first version lacks the table `notes`. @default false */
	readonly isOldApp?: boolean;
	/** Points at which a tab dies. */
	readonly kills?: readonly number[];
	readonly storage?: StorageFaultPlan;
	/** @default 'rest' */
	readonly transport?: Transport;
	/** Whether the app's page is of another origin than the server. @default false */
	readonly isElsewhere?: boolean;
}

export const PACKAGE: SimBuild = { SyncManager, NetworkMonitor };

export function runCase(given: SimCase, build: SimBuild = PACKAGE): Promise<RunResult> {
	const { seed, world, isBadDay, program, strategy, isOldApp, kills = [], storage, transport } = given;
	const { isElsewhere } = given;
	return run({
		...{ seed, build, program, kills, devices: WORLDS[world] },
		...(isBadDay ? { rates: BAD_DAY } : {}),
		...(strategy ? { schema: schemaOf(strategy) } : {}),
		...(isOldApp ? { unknownTables: ['notes'] as const } : {}),
		...(storage ? { storage } : {}),
		...(transport ? { transport } : {}),
		...(isElsewhere ? { isElsewhere } : {}),
	});
}

/** A program of so many operations, and the world that it runs in. */
export function randomCase(seed: number, length: number): SimCase {
	const random = createRandomSource(seed * 31_337 + length);
	const given: SimCase = {
		seed,
		world: random.weighted({ one: 5, devices: 3, tabs: 2 }),
		isBadDay: random.chance(0.7),
		program: Array.from({ length }, () => ({
			kind: random.weighted(OPERATION_WEIGHTS),
			tab: random.below(6),
			n: random.below(100_000),
		})),
	};
	// Drawn apart, so that what a seed meant before there were transports it means still.
	const apart = createRandomSource(seed * 7_907 + length);
	const transport = apart.weighted(TRANSPORT_WEIGHTS);
	const migrations = Array.from({ length: apart.below(3) }, () => ({
		at: apart.below(length + 1),
		n: apart.below(100_000),
	}));
	const isElsewhere = apart.chance(0.5);
	return withTransport({ ...given, ...(isElsewhere ? { isElsewhere } : {}) }, transport, migrations);
}

export const TRANSPORT_WEIGHTS = { rest: 3, rpc: 1, auto: 1 } as const satisfies Record<Transport, number>;

/** The same by another transport. What the migration makes is taken away and made again, after so many operations. */
export function withTransport(
	given: SimCase,
	transport: Transport,
	migrations: readonly { readonly at: number; readonly n: number }[] = [],
): SimCase {
	if (transport === 'rest') return given;
	const program = [...given.program];
	for (const { at, n } of migrations) program.splice(at, 0, { kind: 'migration', tab: 0, n });
	return { ...given, transport, program };
}

/** The command that runs the case again. */
export function toCommand({
	seed,
	world,
	isBadDay,
	program,
	strategy,
	isOldApp,
	kills,
	storage,
	transport,
	isElsewhere,
}: SimCase): string {
	const words = [
		`--seed ${seed} --world ${world}`,
		isBadDay ? '' : '--calm',
		strategy ? `--strategy ${strategy}` : '',
		isOldApp ? '--old-app' : '',
		transport ? `--transport ${transport}` : '',
		isElsewhere ? '--elsewhere' : '',
		kills?.length ? `--kill ${kills.join(',')}` : '',
		storage ? `--storage ${storage.at}:${storage.error}:${storage.isPersistent ? 'on' : 'once'}` : '',
		`--story '${toStory(program)}'`,
	];
	return `npm run soak -- ${words.filter((word) => word !== '').join(' ')}`;
}

/** Reads what {@link toCommand} writes. @throws Error for an option that is none. */
export function fromCommand(args: readonly string[]): SimCase {
	const options = new Map<string, string>();
	for (let at = 0; at < args.length; at++) {
		const name = args[at] ?? '';
		const value = args[at + 1];
		if (!name.startsWith('--')) throw new Error(`"${name}" is no option`);
		const isAlone = value === undefined || value.startsWith('--');
		options.set(name.slice(2), isAlone ? '' : value);
		if (!isAlone) at++;
	}
	const world = options.get('world') ?? 'one';
	if (!Object.hasOwn(WORLDS, world)) throw new Error(`--world is one of ${Object.keys(WORLDS).join(', ')}`);
	const strategy = STRATEGIES.find((one) => one === options.get('strategy'));
	const transport = options.get('transport');
	if (transport !== undefined && !Object.hasOwn(TRANSPORT_WEIGHTS, transport))
		throw new Error(`--transport is one of ${Object.keys(TRANSPORT_WEIGHTS).join(', ')}`);
	const [at, error, how] = options.get('storage')?.split(':') ?? [];
	return {
		seed: Number(options.get('seed') ?? 1),
		world: world as SimCase['world'],
		isBadDay: !options.has('calm'),
		program: fromStory(options.get('story') ?? ''),
		...(strategy ? { strategy } : {}),
		...(options.has('old-app') ? { isOldApp: true } : {}),
		...(transport === undefined ? {} : { transport: transport as Transport }),
		...(options.has('elsewhere') ? { isElsewhere: true } : {}),
		kills: (options.get('kill') ?? '')
			.split(',')
			.filter((word) => word !== '')
			.map(Number),
		...(at === undefined
			? {}
			: {
					storage: {
						at: Number(at),
						error: error as StorageFaultPlan['error'],
						isPersistent: how === 'on',
					},
				}),
	};
}

/** @throws Error with what was broken, the story, and the command that shows it again. */
export function assertKept(given: SimCase, { violations }: RunResult): void {
	const [first] = violations;
	if (!first) return;
	throw new Error(`[${first.invariant}] ${first.message}\nReplay: ${toCommand(given)}`);
}
