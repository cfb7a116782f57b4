import { observable, syncState, when } from '@legendapp/state';
import { ObservablePersistIndexedDB } from '@legendapp/state/persist-plugins/indexeddb';
import { syncedSupabase } from '@legendapp/state/sync-plugins/supabase';
import type { Contestant, NewRow, Site } from '../contestant.ts';
import { result } from '../indexed-db.ts';
import { createPeerClient } from './client.ts';

type Rows = Record<string, NewRow>;

/** Tells when what was given to it is in IndexedDB, which Legend-State itself does not tell the app. */
class TellingPersistence extends ObservablePersistIndexedDB {
	#onSaved: (() => void)[] = [];
	#saving: Promise<unknown> = Promise.resolve();

	/** When the next changes are saved. */
	saved(): Promise<void> {
		return new Promise((resolve) => this.#onSaved.push(resolve));
	}

	/** When everything given to it so far is saved. */
	async settled(): Promise<void> {
		// Changes are handed over in a microtask.
		await new Promise((resolve) => setTimeout(resolve));
		await this.#saving;
		const { db } = this as unknown as { readonly db: IDBDatabase };
		// Reads wait for the writes before them to be committed.
		await result(db.transaction('notes').objectStore('notes').get('none'));
	}

	override async set(...args: Parameters<ObservablePersistIndexedDB['set']>): Promise<void> {
		const waiting = this.#onSaved;
		this.#onSaved = [];
		const saving = super.set(...args);
		this.#saving = Promise.all([this.#saving, saving]);
		await saving;
		for (const resolve of waiting) resolve();
	}
}

/** Legend-State, which reads and sends only when told to. */
export function createLegend(site: Site): Contestant {
	const [isReading$, isSending$] = [observable(false), observable(false)];
	const persistence = new TellingPersistence({
		databaseName: site.databaseName,
		version: 1,
		tableNames: ['notes'],
	});
	let isFirst = true;
	const rows$ = observable<Rows>(
		// Its types follow a generated schema that there is none of here.
		syncedSupabase({
			supabase: createPeerClient(site),
			collection: 'notes',
			changesSince: 'last-sync',
			fieldUpdatedAt: 'updated_at',
			persist: { name: 'notes', plugin: persistence, retrySync: true },
			retry: { infinite: true },
			waitFor: () => isReading$.get(),
			// A function that returns false would not be waited for.
			waitForSet: isSending$,
		} as never) as never,
	);
	const state$ = syncState(rows$);

	return {
		async open() {
			rows$.get();
			await when(state$.isPersistLoaded);
		},
		async download() {
			if (isFirst) {
				isReading$.set(true);
				await when(state$.isLoaded);
				isFirst = false;
			} else {
				// Its promise is not that of the answer.
				state$.sync();
				await when(state$.isGetting);
				await when(() => !state$.isGetting.get());
			}
			await persistence.settled();
		},
		count: async () => Object.keys(rows$.peek() ?? {}).length,
		read: async (id) => rows$[id]?.peek(),
		async createMany(rows) {
			const saved = persistence.saved();
			rows$.assign(Object.fromEntries(rows.map((row) => [row.id, { ...row }])));
			await saved;
		},
		async updateMany(ids, n) {
			const saved = persistence.saved();
			rows$.assign(Object.fromEntries(ids.map((id) => [id, { ...rows$[id]?.peek(), n } as NewRow])));
			await saved;
		},
		async updateOne(id, n) {
			const saved = persistence.saved();
			rows$[id]?.assign({ n });
			await saved;
		},
		async upload() {
			isSending$.set(true);
			const isLeft = () =>
				Object.keys(state$.getPendingChanges() ?? {}).length > 0 || (state$.numPendingSets.peek() ?? 0) > 0;
			do await new Promise((resolve) => setTimeout(resolve, 2));
			while (isLeft());
			isSending$.set(false);
		},
		async close() {
			// It has no end but the page's.
		},
	};
}
