/** No engine at all: what everybody is compared with. */
export const FLOOR = 'floor';
/** The same, but its outbox is emptied by a range of keys. */
export const TUNED_FLOOR = 'tuned floor';
/** The same, but each checked update is a request of its own, as without a function in the project. */
export const SIX_CONNECTIONS = '6 connections';

export const REST = 'PixSync, REST';
export const RPC = 'PixSync, RPC';

export const RXDB = 'RxDB';
export const LEGEND = 'Legend-State';
export const POUCH = 'PouchDB';

export const OWN: readonly string[] = [REST, RPC];
export const PEERS: readonly string[] = [RXDB, LEGEND, POUCH];
