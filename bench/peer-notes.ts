import { LEGEND, POUCH, RXDB } from './names.ts';

const RELAXED = "A write resolves before it is on disk, unlike PixSync's and the floor's.";

/** What of a peer's figures is not what of PixSync's. */
export const PEER_NOTES: Readonly<Record<string, string>> = {
	[RXDB]: `Supabase replication plugin, Dexie storage, pages of 1,000 rows, its own 100 a batch up: of 500, more requests would wait than Chromium bears. Checks every column of an update. Between two measures its replication is paused, but for "just opened": there its first sync after a restart looks through all local rows again; the data can be read before that ends. Told to write with strict durability, as PixSync and the floor do.`,
	[LEGEND]: `\`syncedSupabase\` with IndexedDB, changes since the last sync. Holds all rows in memory, and sends an update without a look at the version. It asks for all rows in one request: **for it alone the server's cap of 1,000 rows an answer is lifted**, behind which it would hold 1,000. ${RELAXED}`,
	[POUCH]: `CouchDB's protocol in the place of Supabase's, to the same rows in the same emulator, batches of 1,000 down and 500 up; revisions take the part of versions. ${RELAXED}`,
};
