import { createHash } from 'node:crypto';
import { createRandomSource, type RandomSource } from '../support/random-source.ts';
import { type Audit, createAudit } from './audit.ts';
import { createDevice, type SimDevice } from './sim-device.ts';
import { answerInstead, drawFault, type FaultRates, spoil } from './sim-network.ts';
import { namelessCreatesOf } from './sim-request.ts';
import { randomSchema, SIM_TABLES, type SimSchema, type SimTable } from './sim-schema.ts';
import { createSimServer, type SimReply, type SimServer } from './sim-server.ts';
import { openTab, type SimBuild, type SimTab } from './sim-tab.ts';
import { installVirtualTime, type VirtualTime } from './virtual-time.ts';

export interface StorageFaultPlan {
	/** Which transaction that may write; 1 is the world's first. */
	readonly at: number;
	readonly error: 'QuotaExceededError' | 'AbortError' | 'UnknownError';
	/** Once, or from there on until the faults end. */
	readonly isPersistent: boolean;
}

export interface WorldOptions {
	readonly seed: number;
	readonly build: SimBuild;
	/** Device names with how many tabs each has. @default one tab on 'alice' and one on 'bob' */
	readonly devices?: Readonly<Record<string, number>>;
	/** @default drawn from the seed */
	readonly schema?: SimSchema;
	/** @default none */
	readonly rates?: FaultRates;
	/** Points at which the tab whose point it is dies. @default none */
	readonly kills?: readonly number[];
	readonly storage?: StorageFaultPlan | null;
	/** Rows of one answer, at most. @default 4: pages are short, so that pulls have several */
	readonly maxRows?: number;
	/** Tables that the app's first version does not know. @default none */
	readonly unknownTables?: readonly SimTable[];
	/** @default 3 */
	readonly pageSize?: number;
	/** By which the devices push; a server that is asked for it has the function for it. @default 'rest' */
	readonly transport?: Transport;
	/** Whether the app's page is of another origin than the server. @default false */
	readonly isElsewhere?: boolean;
}

export type Transport = 'auto' | 'rest' | 'rpc';

export interface Violation {
	/** S1–S33, L1–L8. */
	readonly invariant: string;
	readonly message: string;
}

/** Of a run, or of many added up; one that stays 0 shows that a test proves little. */
export type Counters = Record<string, number>;

export interface World {
	readonly seed: number;
	/** Whether the end is followed by the long tail, which costs as much as the rest: for one run in six, of a sweep one in twelve. */
	readonly isThorough: boolean;
	readonly time: VirtualTime;
	readonly build: SimBuild;
	readonly schema: SimSchema;
	readonly transport: Transport;
	readonly isElsewhere: boolean;
	readonly server: SimServer;
	readonly devices: readonly SimDevice[];
	readonly random: RandomSource;
	readonly pageSize: number;
	readonly audit: Audit;
	readonly counters: Counters;
	readonly violations: readonly Violation[];
	/** Points so far: transactions begun and committed, requests sent and answers received. */
	readonly points: number;
	/** Transactions that may write, so far. */
	readonly writes: number;
	/** No faults any more: what is broken heals. */
	heal(): void;
	readonly isHealing: boolean;
	/** The next transaction that may write fails as it commits. */
	failNextWrite(error: StorageFaultPlan['error']): void;
	isRegistered(table: string): boolean;
	/** The app's next version knows this table, too. */
	unlock(table: string): void;
	/** 1, 2, 3 … */
	serial(): number;
	count(what: string, by?: number): void;
	violate(invariant: string, message: string): void;
	note(line: string): void;
	/** All that happened, in short. */
	traceHash(): string;
	/** All that had happened at each point, in short; the first point first. */
	readonly histories: readonly string[];
	trace(): readonly string[];
	transactionBegan(
		tab: SimTab,
		database: string,
		mode: IDBTransactionMode,
		stores: readonly string[],
	): DOMException | null;
	transactionCommitted(tab: SimTab, database: string): void;
	fetch(tab: SimTab, url: string, init: RequestInit): Promise<Response>;
	/** What a tab told its listeners, or the console; it must hold no secret. */
	overhear(tab: SimTab | null, notice: unknown): void;
	/** Opens a tab, or the same one anew. */
	open(device: SimDevice, label: string): SimTab;
	uninstall(): void;
}

/** Any moment will do; not a round one. */
const START_MS = Date.parse('2026-03-04T05:06:07.089Z');

/** A killed tab is opened again by its user after so long. */
const REOPENED_AFTER_MS = 700;

export function createWorld(options: WorldOptions): World {
	const { seed, build, devices: wanted = { alice: 1, bob: 1 }, kills = [], storage = null } = options;
	const random = createRandomSource(seed);
	const schema = options.schema ?? randomSchema(random);
	const network = createRandomSource(seed ^ 0x5eed);
	const time = installVirtualTime(START_MS);
	const killAt = new Set(kills);
	// A sweep is many runs of one seed: the point that it is about decides with it.
	const isSweep = kills.length > 0 || storage !== null;
	const isThorough =
		[seed, ...kills, storage?.at ?? 0].reduce((sum, n) => sum + n) % (isSweep ? 12 : 6) === 0;
	const violations: Violation[] = [];
	const lines: string[] = [];
	const histories: string[] = [];
	const running = createHash('sha256');
	let hashed = 0;
	const counters: Counters = {};
	const locked = new Set<string>(options.unknownTables ?? []);
	const inFlight = new Map<SimTab, number>();
	let points = 0;
	let serials = 0;
	let writes = 0;
	let isHealing = false;
	let failing: StorageFaultPlan['error'] | null = null;

	const world: World = {
		...{ seed, isThorough, time, build, schema, random, counters, violations, histories },
		transport: options.transport ?? 'rest',
		isElsewhere: options.isElsewhere ?? false,
		pageSize: options.pageSize ?? 3,
		server: undefined as unknown as SimServer,
		audit: undefined as unknown as Audit,
		devices: [],
		get points() {
			return points;
		},
		get writes() {
			return writes;
		},
		get isHealing() {
			return isHealing;
		},
		heal() {
			isHealing = true;
		},
		failNextWrite(error) {
			failing = error;
		},
		isRegistered: (table) => !locked.has(table),
		unlock: (table) => void locked.delete(table),
		serial: () => ++serials,
		count(what, by = 1) {
			counters[what] = (counters[what] ?? 0) + by;
		},
		violate(invariant, message) {
			violations.push({ invariant, message: `${message} [t=${time.now - START_MS} ms, point ${points}]` });
			world.note(`VIOLATION ${invariant}: ${message}`);
		},
		note(line) {
			lines.push(`${time.now - START_MS} ${line}`);
		},
		trace: () => lines,
		traceHash: () => createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16),

		transactionBegan(tab, database, mode) {
			if (mode === 'readonly') return null;
			point(tab, `begin ${database}`);
			if (mode === 'versionchange') return null;
			writes++;
			if (isHealing) return null;
			const next = failing;
			failing = null;
			if (next) return fail(tab, next);
			if (!storage) return null;
			const isHit = storage.isPersistent ? writes >= storage.at : writes === storage.at;
			if (!isHit) return null;
			return fail(tab, storage.error);
		},
		transactionCommitted(tab, database) {
			world.audit.committed(tab, database);
			point(tab, `commit ${database}`);
		},
		fetch: (tab, url, init) => new Promise((resolve, reject) => send(tab, url, init, resolve, reject)),
		overhear(tab, notice) {
			world.audit.overheard(tab, notice);
		},
		open(device, label) {
			const at = device.tabs.findIndex(({ name }) => name === `${device.name}/${label}`);
			const tab = openTab(device, label);
			if (at === -1) device.tabs.push(tab);
			else device.tabs[at] = tab;
			world.note(`${tab.name} opens`);
			return tab;
		},
		uninstall: () => time.uninstall(),
	};

	function fail(tab: SimTab, error: StorageFaultPlan['error']): DOMException {
		world.count(`storage ${error}`);
		world.note(`${tab.name} ${error}`);
		return new DOMException('injected', error);
	}

	function point(tab: SimTab, label: string): void {
		if (!tab.isAlive) return;
		points++;
		world.note(`${tab.name} ${label}`);
		for (; hashed < lines.length; hashed++) running.update(`${lines[hashed]}\n`);
		histories.push(running.copy().digest('base64'));
		if (isHealing || !killAt.has(points)) return;
		world.count('kills');
		const { device } = tab;
		tab.kill();
		const label_ = tab.name.slice(device.name.length + 1);
		time.setTimeout(() => void world.open(device, label_), REOPENED_AFTER_MS);
	}

	/** @param wasFrozen whether it was asked for by a tab that could not hear what its device knew. */
	function send(
		tab: SimTab,
		url: string,
		init: RequestInit,
		resolve: (reply: Response) => void,
		reject: (error: unknown) => void,
		wasFrozen = false,
	): void {
		if (!tab.isAlive) return;
		if (tab.isFrozen) {
			tab.deliver(() => send(tab, url, init, resolve, reject, true));
			return;
		}
		const { device } = tab;
		const headers = Object.fromEntries(new Headers(init.headers));
		const method = init.method ?? 'GET';
		const isProbe = headers.prefer === undefined;
		const path = url.slice(url.indexOf('/v1/') + 4);
		point(tab, `send ${method} ${path}`);
		if (!tab.isAlive) return;
		world.count(isProbe ? 'probes' : 'requests');
		if (!device.isOnline) {
			if (!isProbe && !wasFrozen) world.violate('S11', `${tab.name} sends ${method} ${path} while offline`);
			time.setTimeout(() => tab.deliver(() => reject(new TypeError('fetch failed'))), 1);
			return;
		}
		// A pull by RPC is a POST, too.
		const isWrite = method !== 'GET' && method !== 'HEAD' && path !== 'rpc/pixsync_pull';
		if (method === 'HEAD') world.count('looks');
		if (isWrite) noteWrite(tab);
		const body = typeof init.body === 'string' ? init.body : null;
		const nameless = namelessCreatesOf(method, url, body);
		const drawn = isHealing || isProbe ? 'ok' : drawFault(network, options.rates ?? {});
		// A create without an id that is delivered twice is two rows, whoever sends it: the README says so.
		const fault = drawn === 'duplicate' && nameless === 'tickets' ? 'ok' : drawn;
		if (fault !== 'ok') {
			world.count(`fault ${fault}`);
			world.note(`fault ${fault}`);
		}
		const thereMs = 3 + network.below(40);
		const backMs = 3 + network.below(40) + (fault === 'slow' ? 1_000 + network.below(12_000) : 0);
		let isOver = false;
		const finish = (work: () => void) =>
			tab.deliver(() => {
				if (isOver) return;
				isOver = true;
				if (isWrite) inFlight.set(tab, (inFlight.get(tab) ?? 1) - 1);
				work();
			});
		init.signal?.addEventListener('abort', () =>
			finish(() => reject(new DOMException('The operation was aborted', 'AbortError'))),
		);
		const lose = () => finish(() => reject(new TypeError('fetch failed')));
		const arrive = (): SimReply =>
			answerInstead(fault) ??
			world.server.handle({
				...{ url, method, headers, body, by: tab.name },
			});
		if (fault === 'drop') {
			time.setTimeout(lose, thereMs);
			return;
		}
		time.setTimeout(() => {
			const reply = spoil(fault, arrive());
			const { length } = world.server.log;
			// A create that arrives again when its row is gone brings it back: the README says so.
			const isOutlived = () =>
				nameless !== null && world.server.log.slice(length).some(({ kind }) => kind === 'delete');
			if (fault === 'duplicate')
				time.setTimeout(() => (isOutlived() ? undefined : void arrive()), 1 + network.below(3_000));
			if (fault === 'hang') return;
			time.setTimeout(() => {
				if (fault === 'lost-reply' || !device.isOnline) return lose();
				finish(() => {
					point(tab, `recv ${reply.status} ${reply.text.length}`);
					if (tab.isAlive) resolve(toResponse(reply));
				});
			}, backMs);
		}, thereMs);
	}

	/** No two tabs of a device push at once, but for one that was cut off or frozen meanwhile. */
	function noteWrite(tab: SimTab): void {
		for (const [other, count] of inFlight) {
			const isOther = other !== tab && other.device === tab.device;
			if (isOther && count > 0 && other.isAlive && !other.isFrozen) {
				world.violate('S24', `${tab.name} pushes while ${other.name} does`);
			}
		}
		inFlight.set(tab, (inFlight.get(tab) ?? 0) + 1);
	}

	Object.assign(world, {
		server: createSimServer({
			...{ now: () => time.now, schema, maxRows: options.maxRows ?? 4 },
			written: (write) => world.audit.applied(write),
			orphaned: (by, userId, rows) => world.audit.orphaned(by, userId, rows),
			pushed: (outcome) => world.count(`pushed ${outcome}`),
		}),
	});
	if (world.transport !== 'rest') world.server.migrate(SIM_TABLES);
	Object.assign(world, { audit: createAudit(world) });
	Object.assign(world, { devices: Object.keys(wanted).map((name) => createDevice(world, name)) });
	return world;
}

function toResponse({ status, text, headers }: SimReply): Response {
	return {
		status,
		ok: status >= 200 && status < 300,
		headers: { get: (name: string) => headers[name] ?? null },
		text: () => Promise.resolve(text),
	} as unknown as Response;
}
