import type Dexie from 'dexie';
import type { DBCore, Middleware } from 'dexie';
import { OWN_STORES } from './schema.ts';

/**
 * How a transaction is meant. `rw` is on disk when it resolves (F48). `rw-relaxed` is for what the server tells again if
 * it is lost: a loss of power may take the last seconds of those, in their order and each as a whole, and spares every
 * commit the wait for the disk.
 */
export type TransactionMode = 'r' | 'rw' | 'rw-relaxed';

const OWN = Object.keys(OWN_STORES);
const OWN_REVERSED = [...OWN].reverse();

/** The transaction's stores. In what order they are named is how `addDurability` knows a relaxed one. */
export function scopeOf(mode: TransactionMode, rows: readonly string[]): string[] {
	return mode === 'rw-relaxed' ? [...rows, ...OWN_REVERSED] : [...OWN, ...rows];
}

/**
 * Dexie asks for one durability for all transactions of a database and lets none be named for one of them. All else,
 * the app's own transactions too, stay as strict as the database is.
 */
export function addDurability(dexie: Dexie): void {
	const middleware: Middleware<DBCore> = {
		stack: 'dbcore',
		name: 'durability',
		create: (down) => ({
			...down,
			transaction(stores, mode, options) {
				const isRelaxed = stores.length >= OWN.length && stores.at(-1) === OWN_REVERSED.at(-1);
				return down.transaction(stores, mode, isRelaxed ? { ...options, durability: 'relaxed' } : options);
			},
		}),
	};
	dexie.use(middleware);
}
