import type { CreateContestant } from './contestant.ts';
import { createFloor } from './floor.ts';
import { FLOOR, REST, RPC, SIX_CONNECTIONS, TUNED_FLOOR } from './names.ts';
import { createPixSync } from './pixsync.ts';

export const CONTESTANTS: Readonly<Record<string, CreateContestant>> = {
	[FLOOR]: (site) => createFloor(site, { clearing: 'key by key', updates: 'rpc' }),
	[TUNED_FLOOR]: (site) => createFloor(site, { clearing: 'by range', updates: 'rpc' }),
	[SIX_CONNECTIONS]: (site) => createFloor(site, { clearing: 'by range', updates: 'patch' }),
	[REST]: (site) => createPixSync(site, 'rest'),
	[RPC]: (site) => createPixSync(site, 'rpc'),
};
