import { createRxDatabase, type RxCollection, type RxDatabase } from 'rxdb/plugins/core';
import { type RxSupabaseReplicationState, replicateSupabase } from 'rxdb/plugins/replication-supabase';
import { getRxStorageDexie } from 'rxdb/plugins/storage-dexie';
import type { Contestant, NewRow, Site } from '../contestant.ts';
import { createPeerClient } from './client.ts';

const SCHEMA = {
	version: 0,
	type: 'object',
	primaryKey: 'id',
	properties: {
		id: { type: 'string', maxLength: 36 },
		title: { type: 'string' },
		body: { type: 'string' },
		n: { type: 'integer' },
		done: { type: 'boolean' },
	},
	required: ['id'],
} as const;

/** RxDB with its Supabase replication, which is paused while nothing is sent: the app is offline then. */
export function createRxdb(site: Site): Contestant {
	let db: RxDatabase;
	let notes: RxCollection<NewRow>;
	let replication: RxSupabaseReplicationState<NewRow> | undefined;

	async function sync(): Promise<void> {
		let failed: (error: unknown) => void = () => {};
		// It would try again for ever.
		const failure = new Promise<never>((_, reject) => {
			failed = reject;
		});
		if (replication) await replication.start();
		else {
			replication = replicateSupabase<NewRow>({
				...{ tableName: 'notes', client: createPeerClient(site), collection: notes },
				...{ replicationIdentifier: 'notes', live: true, waitForLeadership: false },
				...{ modifiedField: 'updated_at', deletedField: '_deleted' },
				...{ pull: { batchSize: 1_000 }, push: {} },
			});
		}
		const subscription = replication.error$.subscribe((error) => failed(toCause(error)));
		await Promise.race([replication.awaitInSync(), failure]);
		subscription.unsubscribe();
		await replication.pause();
	}

	return {
		async open() {
			db = await createRxDatabase({
				...{
					name: site.databaseName,
					storage: getRxStorageDexie({ chromeTransactionDurability: 'strict' }),
					multiInstance: false,
				},
			});
			({ notes } = await db.addCollections<{ notes: RxCollection<NewRow> }>({ notes: { schema: SCHEMA } }));
			await notes.findOne('none').exec();
		},
		download: sync,
		count: () => notes.count().exec(),
		read: async (id) => (await notes.findOne(id).exec())?.toJSON(),
		async createMany(rows) {
			const { error } = await notes.bulkInsert([...rows]);
			if (error.length > 0) throw new Error(`${error.length} rows were not inserted`);
		},
		async updateMany(ids, n) {
			const documents = await notes.findByIds([...ids]).exec();
			// Those at hand are written in one go.
			await Promise.all([...documents.values()].map((one) => one.incrementalPatch({ n })));
		},
		async updateOne(id, n) {
			const one = await notes.findOne(id).exec();
			await one?.incrementalPatch({ n });
		},
		upload: sync,
		async close() {
			await db.close();
		},
	};
}

/** What lies in the error that RxDB wraps. */
function toCause(error: { readonly parameters: object }): Error {
	const { errors } = error.parameters as { readonly errors?: readonly { readonly message?: string }[] };
	return new Error(`RxDB: ${errors?.[0]?.message ?? String(error)}`);
}
