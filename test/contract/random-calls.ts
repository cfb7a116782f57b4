import type { PushMutation } from '../../src/core/mutation.ts';
import type { Row } from '../../src/core/types.ts';
import { createRandomSource, type RandomSource } from '../support/random-source.ts';
import { contractSpec, inShort, listAll, ODD_IDS, pullAll, SIGNAL, shuffled, uuid } from './contract-kit.ts';
import type { ContractTableName } from './contract-tables.ts';
import { createWrites, type RemoteBackend } from './remote-backend.ts';

/** The server's clock is another one on each backend: what a trigger stamped is only said to be a stamp. */
const STAMPED = '<stamped>';

/**
 * Carries out a random program of calls and of other people's writes, and says what came of each step in words that
 * two backends with the same contract share. The same seed is the same program.
 */
export async function runRandomCalls(backend: RemoteBackend, seed: number, steps: number): Promise<string[]> {
	const random = createRandomSource(seed);
	const table: ContractTableName = random.pick(['notes', 'bare', 'tags', 'places'] as const);
	const isSoft = table !== 'tags' && random.chance(0.5);
	const base = contractSpec(table, isSoft && table !== 'places' ? { deletedField: 'deleted_at' } : {});
	const spec = isSoft ? base : { ...base, deleted: null };
	const ids = table === 'tags' || table === 'places' ? ODD_IDS.slice(0, 6) : [1, 2, 3, 4, 5, 6].map(uuid);
	const title = table === 'places' ? 'name' : 'title';
	const remote = backend.connect();
	const kit = { backend, remote, writes: createWrites() };
	/** Rows as some device has seen them at some time. */
	const seen: Row[] = [];
	const sent: PushMutation[] = [];
	const said: string[] = [];

	function say(...words: readonly unknown[]): void {
		said.push(
			JSON.stringify([said.length, ...words], (_, value: unknown) => (isRow(value) ? inWords(value) : value)),
		);
	}

	/** In the order of its columns' names: `jsonb` has another one than `json`. */
	function inWords(row: Row): Row {
		const told = table === 'notes' ? { ...row, [spec.timestampField]: STAMPED } : row;
		return Object.fromEntries(Object.entries(told).sort(([a], [b]) => (a < b ? -1 : 1)));
	}

	function isRow(value: unknown): value is Row {
		return typeof value === 'object' && value !== null && Object.hasOwn(value, spec.timestampField);
	}

	async function look(): Promise<void> {
		seen.push(...(await backend.rows(table)));
	}

	/** A name that a ledger knows it by, where there is one. Some have none, as what another transport has sent. */
	function named(one: PushMutation): PushMutation {
		return backend.isOneRequest && random.chance(0.8) ? { ...one, pushId: crypto.randomUUID() } : one;
	}

	function mutation(): PushMutation {
		const earlier = sent.length > 0 && random.chance(0.3) ? random.pick(sent) : null;
		return earlier ?? named(fresh());
	}

	function fresh(): PushMutation {
		const { writes } = kit;
		const text = random.pick(['a', 'b', 'c', table === 'notes' ? 'poison' : 'd']);
		if (seen.length === 0 || random.chance(0.35))
			return writes.create(spec, random.pick(ids), { [title]: text });
		const row = random.chance(0.5)
			? (seen.at(-1 - random.below(Math.min(6, seen.length))) ?? {})
			: random.pick(seen);
		return random.chance(0.6) ? writes.update(spec, row, { [title]: text }) : writes.remove(spec, row);
	}

	async function pushSome(): Promise<void> {
		const batch = new Map<unknown, PushMutation>();
		for (let left = 1 + random.below(4); left > 0; left--) {
			const one = mutation();
			batch.set(one.id, one);
		}
		const mutations = [...batch.values()];
		sent.push(...mutations);
		const hasCreate = mutations.some(({ kind }) => kind === 'create');
		const loss = hasCreate && random.chance(0.3) ? random.pick(['request', 'reply'] as const) : null;
		if (loss) backend.loseNext(loss, 'create');
		const outcomes = await remote
			.push(spec, mutations, SIGNAL)
			.catch((error: { fault: string }) => error.fault);
		const words =
			typeof outcomes === 'string'
				? outcomes
				: outcomes.map((outcome) => ('error' in outcome ? inShort(outcome) : outcome));
		say(
			'push',
			loss,
			mutations.map(({ kind, id }) => [kind, id]),
			words,
		);
	}

	async function writeDirectly(random: RandomSource): Promise<void> {
		const id = random.pick(ids);
		const at = `2025-01-02T03:04:05.${String(100_000 + said.length).replace(/0+$/, '')}+00:00`;
		const rows = await backend.rows(table);
		const isThere = rows.some((row) => row[spec.idField] === id);
		if (!isThere) say('put', await backend.put(table, { [spec.idField]: id, [title]: 'theirs' }, at));
		else if (random.chance(0.3)) say('removed', id, await backend.remove(table, id));
		else
			say(
				'patch',
				await backend.patch(table, id, { [title]: random.pick(['a', 'b']), [spec.timestampField]: at }),
			);
	}

	for (let step = 0; step < steps; step++) {
		const kind = random.weighted({ push: 6, write: 2, look: 3, pull: 1, fetch: 1, keys: 1 });
		if (kind === 'push') await pushSome();
		else if (kind === 'write') await writeDirectly(random);
		else if (kind === 'look') await look();
		else if (kind === 'fetch') {
			const found = await remote.fetch(spec, shuffled(ids), SIGNAL, 'visible');
			say(
				'fetch',
				ids.map((id) => found.get(id) ?? null),
			);
		} else if (kind === 'keys')
			say('keys', (await listAll(kit, spec, 4)).map(inWords).sort(byId(spec.idField)));
		else {
			// What of one push was stamped first is up to the network.
			const pages = await pullAll(kit, spec, 3);
			say('pull', pages.flatMap(({ rows }) => rows).sort(byId(spec.idField)));
		}
		const rows = [...(await backend.rows(table))].sort(byId(spec.idField));
		say('rows', rows.map(inWords));
	}
	return said;
}

/** Databases sort text by their own languages. */
function byId(idField: string): (a: Row, b: Row) => number {
	return (a, b) => (String(a[idField]) < String(b[idField]) ? -1 : 1);
}
