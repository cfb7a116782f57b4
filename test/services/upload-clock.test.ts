import { afterEach, describe, expect, it } from 'vitest';
import { closeLetterWorlds, openLetterWorld } from '../support/letter-world.ts';

afterEach(closeLetterWorlds);

const { signal } = new AbortController();

/** Two batches to send, on a table that was pulled before; `tell` says at each pull and push what is so. */
async function world(tell: (what: 'pull' | 'push') => void, isClockSure: () => boolean) {
	let isArmed = false;
	const alice = await openLetterWorld({
		batchSize: 1,
		isClockSure: () => !isArmed || isClockSure(),
		beforePull: () => (isArmed ? tell('pull') : undefined),
		beforePush: () => tell('push'),
	});
	alice.server.put('notes', { id: 'z', title: 'z' });
	await alice.download();
	for (const id of ['a', 'b']) await alice.queue('notes', 'create', { id, title: id });
	isArmed = true;
	const upload = () =>
		alice.services.upload(
			{ table: 'notes', upTo: null, force: true, holdDeletes: false, retryAt: alice.now },
			signal,
		);
	return { alice, upload };
}

describe('[F58] [R21] before something is stamped', () => {
	it('the time is asked for again where the clock was set while it was asked for', async () => {
		const log: string[] = [];
		const { upload } = await world(
			(what) => void log.push(what),
			() => log.length >= 2,
		);
		await upload();
		expect(log).toEqual(['pull', 'pull', 'push', 'push']);
	});

	it('the rest waits for the next pass, which measures first, where the clock is set between two batches', async () => {
		const log: string[] = [];
		let isSure = true;
		const { alice, upload } = await world(
			(what) => {
				log.push(what);
				isSure = what === 'pull';
			},
			() => isSure,
		);
		expect(await upload()).toMatchObject({ uploaded: 1, more: true });
		isSure = false;
		expect(await upload()).toMatchObject({ uploaded: 1 });
		expect(log).toEqual(['push', 'pull', 'push']);
		expect(await alice.outbox()).toEqual([]);
	});

	it('a clock that cannot be measured keeps nothing from being sent', async () => {
		const log: string[] = [];
		const { upload } = await world(
			(what) => void log.push(what),
			() => false,
		);
		expect(await upload()).toMatchObject({ uploaded: 2, more: false });
		expect(log).toEqual(['pull', 'pull', 'push', 'push']);
	});
});
