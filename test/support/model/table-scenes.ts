import type { DownloadInput, UploadInput } from '../../../src/core/run-contract.ts';
import { toRefused } from '../memory-errors.ts';
import { type DeviceWorld, PAGE_SIZE, STEP_SIZE, TABLE } from './device-world.ts';
import type { Gates } from './gates.ts';
import type { TableEventName } from './table-model.ts';

/** Sets the scene for a step, so that the real services bring it about themselves. */
export interface TableScenes {
	/** `ahead`: what the path has after the event. */
	arrange(event: TableEventName, ahead: readonly TableEventName[]): Promise<void>;
}

/** @param pullAhead tells the pull whose next page was asked for already. */
export function createTableScenes(
	world: DeviceWorld,
	gates: Gates,
	pullAhead: () => number | null,
): TableScenes {
	/** A row whose server version has moved on under a pending edit. */
	async function arrangeConflict(localWins: boolean): Promise<void> {
		const id = await world.create('as it was');
		await world.settle();
		world.tick();
		const edits = [
			async () => void world.server.patch(TABLE, id, { title: 'theirs' }),
			() => world.queue('update', { title: 'ours' }, id),
		];
		for (const edit of localWins ? edits : edits.reverse()) {
			await edit();
			world.tick();
		}
	}

	/** As {@link arrangeConflict}, for the next of the rows that the running upload has yet to send. */
	async function arrangeConflictOfNext(localWins: boolean): Promise<void> {
		const [next] = await world.outbox();
		if (!next) throw new Error('nothing is left to be in conflict');
		if (!localWins) world.tick();
		const stampedAt = new Date(next.queuedAt + (localWins ? -1_000 : 1_000))
			.toISOString()
			.replace('Z', '+00:00');
		world.server.put(TABLE, { id: next.rowId, title: 'theirs' }, { stampedAt });
	}

	/** Something is queued that the server has put off: in its own words, not now. */
	async function arrangePutOff(): Promise<void> {
		await world.create('put off');
		world.push = () => toRefused(TABLE, { code: '40P01', message: 'deadlock detected' });
		const retryAt = world.now() + 30_000;
		await world.services.upload(
			{ table: TABLE, upTo: null, force: false, holdDeletes: false, retryAt },
			new AbortController().signal,
		);
		world.push = 'pass';
	}

	async function arrangeUpload(event: TableEventName, ahead: readonly TableEventName[]): Promise<void> {
		const { upTo } = gates.only('upload').input as UploadInput;
		const localWins = ahead.find((name) => name.startsWith('resolve ')) === 'resolve due';
		if (upTo !== null) {
			if (event === 'upload conflicts') await arrangeConflictOfNext(localWins);
			return;
		}
		await world.settle();
		world.tick();
		if (event === 'upload conflicts') return arrangeConflict(localWins);
		const passes = event === 'upload more' ? 1 + repeats(event, ahead) : 0;
		for (let row = 0; row < passes * STEP_SIZE + 1; row++) await world.create(`row ${row}`);
	}

	async function arrangeDownload(event: TableEventName, ahead: readonly TableEventName[]): Promise<void> {
		const { pull } = gates.only('download').input as DownloadInput;
		if (pull !== pullAhead()) {
			await world.settle();
			await world.catchUp();
			world.tick();
			const pages = event === 'download more' ? 1 + repeats(event, ahead) : 0;
			for (let row = 0; row < pages * PAGE_SIZE + 1; row++) {
				world.server.put(TABLE, { id: crypto.randomUUID(), title: `theirs ${row}` });
			}
			world.tick();
		}
		if (event === 'download due') await world.create('made meanwhile');
		if (event === 'download waiting') await arrangePutOff();
	}

	return {
		async arrange(event, ahead) {
			world.tick();
			if (event.startsWith('upload ')) await arrangeUpload(event, ahead);
			if (event.startsWith('download ')) await arrangeDownload(event, ahead);
		},
	};
}

/** How often `event` comes again before another event of its service. */
function repeats(event: TableEventName, ahead: readonly TableEventName[]): number {
	const [service] = event.split(' ');
	const own = ahead.filter((name) => name.startsWith(`${service} `));
	const end = own.findIndex((name) => name !== event);
	return end === -1 ? own.length : end;
}
