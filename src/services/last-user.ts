import { openLocalStore, type StorageEnvironment } from './local-store.ts';

/** The user of the last session on this device, so that a start without a network finds the right replica (F2). */
export interface LastUser {
	/** Null: nobody was ever signed in here. */
	read(): Promise<string | null>;
	write(userId: string): Promise<void>;
}

const KEY = 'lastUser';

/** Keeps it in a small database beside the replicas: it must be known before any of them is opened. */
export function createLastUser(databaseName: string, environment: StorageEnvironment): LastUser {
	const open = () => openLocalStore(`${databaseName}:control`, environment, []);
	return {
		async read() {
			const store = await open();
			try {
				const record = await store.transact('r', [], (stores) => stores.meta.get(KEY));
				return typeof record?.value === 'string' ? record.value : null;
			} finally {
				store.close();
			}
		},
		async write(userId) {
			const store = await open();
			try {
				await store.transact('rw', [], (stores) => stores.meta.put({ key: KEY, value: userId }));
			} finally {
				store.close();
			}
		},
	};
}
