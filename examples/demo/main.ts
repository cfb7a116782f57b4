/** The story of two devices that edit the same rows while neither is online. Run it with `npm run demo:cli`. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row, SyncAction } from '../../src/index.ts';
import { type Device, openDevice } from './devices.ts';
import { checkEnding } from './ending.ts';
import { createNarrator } from './narrator.ts';
import { openProject, type Project, ProjectError } from './project.ts';
import { ids, nameOf, type RowName, type TableName, tables, team } from './tables.ts';

/** Far more than it takes; what hangs is reported and stopped. */
const DEADLINE_MS = 60_000;

/** Rounds of syncing until nothing moves, at most. */
const MAX_ROUNDS = 5;

const narrator = createNarrator(nameOf);

try {
	const isRight = await main();
	narrator.chapter(isRight ? 'All is as it must be.' : 'Not all is as it must be: see ✗ above.');
	process.exitCode = isRight ? 0 : 1;
} catch (error) {
	console.error(error instanceof ProjectError ? error.message : error);
	process.exitCode = 1;
}

/** @returns whether all is as it must be. */
async function main(): Promise<boolean> {
	const outcomes: string[] = [];
	const devices: Device[] = [];
	const project = await openProject();
	const open = async (name: string) => {
		const device = await openDevice(name, project, {
			inspect: narrator.watch(name),
			conflictResolved(table, conflict) {
				narrator.conflict(name, table, conflict);
				outcomes.push(`${nameOf.get(conflict.id)}: ${name}, ${conflict.outcome}`);
			},
		});
		devices.push(device);
		return device;
	};
	try {
		narrator.chapter(`Two devices of one team, on ${project.url}`);
		for (const { table, conflictResolution } of tables) narrator.note(`${table}: ${conflictResolution}`);
		const alice = await open('alice');
		const bob = await open('bob');
		await withDeadline(tellStory(project, alice, bob));

		narrator.chapter('6. What must be so now');
		const checks = await checkEnding({ project, alice, bob }, outcomes);
		for (const { what, differences } of checks) narrator.check(what, differences);
		return checks.every(({ differences }) => differences.length === 0);
	} finally {
		await Promise.all(devices.map((device) => device.close())).finally(() => project.close());
	}
}

async function tellStory(project: Project, alice: Device, bob: Device): Promise<void> {
	narrator.chapter('1. Both create rows, and sync');
	await queue(alice, 'create', 'generations', 'castle', { title: 'Castle' });
	await queue(alice, 'create', 'generations', 'harbour', { title: 'Harbour' });
	await queue(alice, 'create', 'quality_reports', 'castle-qa', { generation_id: ids.castle, score: 7 });
	await queue(alice, 'create', 'quality_reports', 'harbour-qa', { generation_id: ids.harbour, score: 4 });
	await queue(alice, 'create', 'prompt_history', 'fog-prompt', { prompt: 'a castle in fog' });
	await queue(alice, 'create', 'prompt_history', 'old-prompt', { prompt: 'a castle' });
	await queue(bob, 'create', 'generations', 'forest', { title: 'Forest' });
	await queue(bob, 'create', 'quality_reports', 'forest-qa', { generation_id: ids.forest, score: 5 });
	await queue(bob, 'create', 'model_configs', 'sdxl', { settings: { steps: 20, sampler: 'euler' } });
	await syncNow(alice);
	await syncNow(bob);
	await syncNow(alice);

	narrator.chapter('2. Both go offline, and edit');
	await alice.goOffline();
	await bob.goOffline();
	await queue(alice, 'update', 'generations', 'castle', { title: 'Castle at dawn', rating: 5 });
	await queue(alice, 'update', 'generations', 'harbour', { title: 'Harbour at dawn' });
	await queue(alice, 'update', 'prompt_history', 'fog-prompt', { prompt: 'a castle at dawn', pinned: true });
	await queue(alice, 'delete', 'prompt_history', 'old-prompt');
	await queue(alice, 'delete', 'quality_reports', 'castle-qa');
	await queue(alice, 'update', 'quality_reports', 'harbour-qa', { score: 9 });
	await queue(alice, 'update', 'model_configs', 'sdxl', { settings: { steps: 30, sampler: 'euler' } });
	await queue(bob, 'update', 'generations', 'forest', { rating: 4 });
	await queue(bob, 'update', 'generations', 'harbour', { title: 'Harbour at night' });
	await queue(bob, 'update', 'prompt_history', 'fog-prompt', { prompt: 'a castle at night' });
	await queue(bob, 'update', 'prompt_history', 'old-prompt', { prompt: 'a castle in oil' });
	await queue(bob, 'update', 'quality_reports', 'castle-qa', { score: 8 });
	await queue(bob, 'delete', 'quality_reports', 'harbour-qa');
	await queue(bob, 'update', 'model_configs', 'sdxl', { settings: { steps: 50, sampler: 'ddim' } });
	await showPending(alice);
	await showPending(bob);

	narrator.chapter('3. alice reconnects');
	// For latest-wins: what alice sends arrives later than bob's edits were made, by any clock.
	await sleep(project.clockDoubtMs);
	await alice.goOnline();
	await syncNow(alice);

	narrator.chapter('4. bob edits once more, later than what alice sent, and reconnects');
	await sleep(project.clockDoubtMs);
	await queue(bob, 'update', 'generations', 'castle', { title: 'Castle at night' });
	await bob.goOnline();
	await syncNow(bob);
	narrator.note("The error is for the user: an edit of bob's has no row any more. PixSync keeps it for him.");

	narrator.chapter('5. Both sync until nothing moves');
	for (let round = 1; ; round++) {
		const moved = [await syncNow(alice), await syncNow(bob)];
		if (!moved.includes(true)) break;
		if (round === MAX_ROUNDS) throw new Error(`Something still moved after ${MAX_ROUNDS} rounds`);
	}
	await showPending(alice);
	await showPending(bob);
}

/** What the app calls: `queueAction`. */
async function queue(
	{ name, sync }: Device,
	action: SyncAction,
	table: TableName,
	row: RowName,
	columns: Row | null = null,
): Promise<void> {
	const id = ids[row];
	narrator.edit(name, action, table, id, columns);
	if (action === 'create') await sync.queueAction(table, action, { id, team_id: team, ...columns });
	else await sync.queueAction(table, action, columns, id);
}

/** @returns whether anything moved. */
async function syncNow({ name, sync }: Device): Promise<boolean> {
	const result = await sync.sync();
	narrator.result(name, result);
	return result.uploaded + result.downloaded + result.conflicts + result.errors.length > 0;
}

async function showPending({ name, sync }: Device): Promise<void> {
	const counts = tables.map(async ({ table }) => [table, await sync.getPendingCount(table)] as const);
	narrator.pending(name, Object.fromEntries(await Promise.all(counts)));
}

async function withDeadline(story: Promise<void>): Promise<void> {
	let timer: NodeJS.Timeout | undefined;
	const deadline = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`The story hangs after ${DEADLINE_MS} ms`)), DEADLINE_MS);
	});
	await Promise.race([story, deadline]).finally(() => clearTimeout(timer));
}
