import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
	createPhone,
	dump,
	note,
	notesAt,
	PHONE_TABLES,
	type Phone,
	type PhoneOptions,
	restRequests,
	signIn,
	signUp,
	titles,
} from '../support/phone.ts';
import { type Supabase, startSupabase } from '../support/supabase/index.ts';

let supabase: Supabase;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
	supabase = await startSupabase({ sql: PHONE_TABLES });
});

afterEach(async () => {
	await Promise.all(open.splice(0).map((one) => one.close()));
	supabase.faults.clear();
	await supabase.sql('truncate notes, pages');
	supabase.clearRequests();
});

afterAll(() => supabase?.stop());

async function phone(options: PhoneOptions = {}): Promise<Phone> {
	const one = await createPhone(supabase, options);
	open.push(one);
	return one;
}

const rest = () => restRequests(supabase);
const atServer = () => notesAt(supabase);

describe('signing out', () => {
	it('[S19] [F4] keep: what is unsent waits for its user, and a return loses and repeats nothing', async () => {
		const one = await phone();
		const alice = await signUp(one, 'alice');
		await note(one, 'synced');
		await one.sync.sync();
		await note(one, 'waits');
		expect(await one.sync.signOut()).toEqual({ signedOut: true, unsynced: 1, discarded: false, error: null });
		expect(one.sync.getState().user).toBeNull();
		expect((await one.client.auth.getSession()).data.session).toBeNull();
		expect(await titles(one)).toEqual([]);
		await signIn(one, alice);
		expect(await titles(one)).toEqual(['synced', 'waits']);
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1, downloaded: 0 });
	});

	it('[S19] flush: one sync first', async () => {
		const one = await phone({ onSignOut: 'flush' });
		await signUp(one, 'alice');
		await note(one, 'at the last moment');
		expect(await one.sync.signOut()).toEqual({ signedOut: true, unsynced: 0, discarded: false, error: null });
		expect(await atServer()).toMatchObject([{ title: 'at the last moment' }]);
	});

	it('[S19] [S1] flush offline: at once, and what is left is kept and told', async () => {
		const one = await phone();
		const alice = await signUp(one, 'alice');
		await note(one, 'mine');
		one.network.isOn = false;
		const asked: number[] = [];
		const ask = (count: number) => asked.push(count) > 0;
		expect(await one.sync.signOut({ policy: 'flush', onUnsynced: ask })).toMatchObject({
			signedOut: true,
			unsynced: 1,
			discarded: false,
		});
		expect(asked).toEqual([1]);
		one.network.isOn = true;
		await signIn(one, alice);
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[S19] [F4] discard: nothing of the user is left, and the next sign-in downloads all rows again', async () => {
		const one = await phone({ onSignOut: 'discard' });
		const alice = await signUp(one, 'alice');
		for (const title of ['a', 'b', 'c']) await note(one, title);
		await one.sync.sync();
		await note(one, 'lost on purpose');
		expect(await one.sync.signOut({ onUnsynced: (count) => count === 1 })).toMatchObject({
			unsynced: 1,
			discarded: true,
		});
		const names = (await one.disk.databases()).map(({ name }) => name);
		expect(names.filter((name) => name?.includes(alice.id))).toEqual([]);
		expect(await dump(one.disk, 'app:control')).not.toContain(alice.id);
		await signIn(one, alice);
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 0, downloaded: 3 });
		expect(await titles(one)).toEqual(['a', 'b', 'c']);
	});

	it('[F5] offline: the data is closed all the same, and stays so after a restart', async () => {
		const one = await phone();
		const alice = await signUp(one, 'alice');
		await note(one, 'mine');
		one.network.isOn = false;
		expect(await one.sync.signOut()).toMatchObject({
			signedOut: true,
			unsynced: 1,
			error: { code: 'sign-out-unconfirmed' },
		});
		expect([one.sync.getState().user, await titles(one)]).toEqual([null, []]);
		await one.restart();
		expect([one.sync.getState().user, await titles(one)]).toEqual([null, []]);
		one.network.isOn = true;
		await signIn(one, alice);
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[F5] where the auth client keeps the session, it opens nothing and sends nothing', async () => {
		const one = await phone();
		const alice = await signUp(one, 'alice');
		await note(one, 'mine');
		const stored = new Map(one.storage);
		one.network.isOn = false;
		await one.sync.signOut();
		for (const [key, value] of stored) one.storage.set(key, value);
		one.network.isOn = true;
		await one.restart();
		expect((await one.client.auth.getSession()).data.session?.user.id).toBe(alice.id);
		supabase.clearRequests();
		await one.sync.sync();
		await one.client.auth.refreshSession();
		await one.sync.sync();
		expect([one.sync.getState().user, await titles(one)]).toEqual([null, []]);
		expect(rest().filter(({ headers }) => headers.sub !== undefined)).toEqual([]);
		// A sign-in is a new session, also over the old one.
		await signIn(one, alice);
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
	});

	it('[F5] [F3] in mid-flight: no request leaves after the auth client was asked', async () => {
		// As they leave the device: at the server one that left before may arrive after.
		const left: { path: string; isUsers: boolean }[] = [];
		const one = await phone({
			wrap: (inner) => async (input, init) => {
				const token = new Headers(init?.headers).get('authorization') ?? '';
				const isUsers = !token.endsWith(supabase.anonKey);
				left.push({ path: new URL(input instanceof Request ? input.url : input).pathname, isUsers });
				return inner(input, init);
			},
		});
		await signUp(one, 'alice');
		const made = [];
		for (let at = 0; at < 20; at++) made.push(await note(one, `n${at}`));
		await one.sync.sync();
		for (const { id } of made) await one.sync.table('notes').update(id, { title: 'again' });
		supabase.faults.add({
			match: ({ method }) => method === 'PATCH',
			times: Number.POSITIVE_INFINITY,
			effect: { kind: 'latency', ms: 40 },
		});
		supabase.clearRequests();
		void one.sync.sync();
		await expect.poll(() => rest().filter(({ method }) => method === 'PATCH').length).toBeGreaterThan(3);
		const { unsynced } = await one.sync.signOut({ scope: 'local' });
		expect(unsynced).toBeGreaterThan(0);
		await new Promise((resolve) => setTimeout(resolve, 200));
		const at = left.findIndex(({ path }) => path === '/auth/v1/logout');
		expect(at).toBeGreaterThan(0);
		expect(left.slice(0, at).filter(({ isUsers }) => isUsers).length).toBeGreaterThan(3);
		const after = left.slice(at).filter(({ path }) => path.startsWith('/rest/'));
		expect(after.filter(({ isUsers }) => isUsers)).toEqual([]);
	});
});

describe('what was written signed out', () => {
	it('[R23] waits, is counted, and becomes the user’s: uploaded once, with their id', async () => {
		const one = await phone();
		await note(one, 'before');
		const draft = await one.sync.queueAction('notes', 'create', { title: 'draft' }, 'my draft');
		await one.sync.table('notes').update(draft.id, { title: 'drafted' });
		const alice = await signUp(one, 'alice');
		await expect.poll(() => one.told).toEqual([{ user: alice.id, isSignedIn: true, anonymous: 3 }]);
		expect(await titles(one)).toEqual([]);
		expect(await one.sync.adoptAnonymous()).toEqual({ adopted: 3, left: 0 });
		expect(await one.sync.table('notes').get('my draft')).toMatchObject({ title: 'drafted' });
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 3, conflicts: 0 });
		expect(await atServer()).toEqual([
			{ title: 'before', user_id: alice.id },
			{ title: 'drafted', user_id: alice.id },
		]);
		expect(await one.sync.adoptAnonymous()).toEqual({ adopted: 0, left: 0 });
		await one.sync.signOut();
		expect(await titles(one)).toEqual([]);
	});

	it('[R8] what a policy refused to nobody is sent for its owner', async () => {
		const one = await phone();
		await note(one, 'mine');
		expect((await one.sync.sync()).errors).toEqual([expect.stringMatching(/\(42501\)$/)]);
		await signUp(one, 'alice');
		expect(await one.sync.adoptAnonymous()).toEqual({ adopted: 1, left: 0 });
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], uploaded: 1 });
		expect(await atServer()).toMatchObject([{ title: 'mine' }]);
	});

	it('[F28] [S2] a request whose reply was lost signed out is not repeated as a second row', async () => {
		const one = await phone();
		supabase.faults.add({ match: ({ method }) => method === 'POST', effect: { kind: 'drop-after' } });
		await one.sync.table('pages').create({ title: 'once' });
		await one.sync.sync(['pages']);
		// No retry of its own comes between.
		one.network.isOn = false;
		expect(await supabase.sql('select title from pages')).toEqual([{ title: 'once' }]);
		one.network.isOn = true;
		await signUp(one, 'alice');
		await one.sync.adoptAnonymous();
		expect(await one.sync.sync()).toMatchObject({ success: true, errors: [], conflicts: 0 });
		expect(await supabase.sql('select title from pages')).toEqual([{ title: 'once' }]);
		expect(await one.sync.getPendingCount()).toBe(0);
	});

	it('[S7] an edit of a row that was changed since is a conflict for the strategy to decide', async () => {
		const id = crypto.randomUUID();
		await supabase.sql(`insert into pages (id, title) values ($1, 'first')`, [id]);
		const one = await phone();
		await one.sync.sync(['pages']);
		one.network.isOn = false;
		await one.sync.table('pages').update(id, { title: 'signed out' });
		await new Promise((resolve) => setTimeout(resolve, 1_100));
		await supabase.sql(`update pages set title = 'later' where id = $1`, [id]);
		one.network.isOn = true;
		await signUp(one, 'alice');
		await one.sync.sync(['pages']);
		expect(await one.sync.adoptAnonymous()).toMatchObject({ adopted: 1 });
		expect(await one.sync.sync(['pages'])).toMatchObject({ success: true, errors: [], conflicts: 1 });
		expect(await supabase.sql('select title from pages')).toEqual([{ title: 'later' }]);
	});
});
