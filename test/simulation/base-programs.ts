import { fromStory } from './operation.ts';
import type { SimCase } from './sim-case.ts';
import { STRATEGIES } from './sim-schema.ts';

/** What an app does, one thing at a time: short enough to be killed at every point. */
export const BASE_PROGRAMS: Readonly<Record<string, SimCase>> = {
	'create, update, delete': of(
		'create@0:1/notes sync@0:11 update@0:2/notes sync@0:12 remove@0:3/notes sync@0:13',
	),
	'all at once': of(
		'create@0:1/notes update@0:2/notes create@0:3/notes remove@0:4/notes update@0:5/notes sync@0:16',
	),
	'a tree with a foreign key': of('tree@0:1 update@0:2/tasks sync@0:13 remove@0:4/tasks sync@0:15'),
	'a pull of several pages': of(
		`${[1, 2, 3, 4, 5, 6, 7].map((n) => `remote-create@0:${n}/notes`).join(' ')} sync@0:18 late-commit@0:8/notes sync@0:19 wait@0:4`,
	),
	'ids made by the server': of(
		'create@0:1/tickets update@0:2/tickets sync@0:13 create@0:4/tickets sync@0:15 remove@0:6/tickets sync@0:17',
	),
	'ids made by the server, by RPC': of(
		'create@0:1/tickets update@0:2/tickets sync@0:13 create@0:4/tickets create@0:5/tickets sync@0:15 remove@0:6/tickets sync@0:17',
		{ transport: 'rpc' },
	),
	'a batch of all kinds, by RPC': of(
		'remote-create@0:1/notes remote-create@0:2/notes sync@0:11 create@0:3/notes update@0:4/notes remove@0:5/notes poison@0:6/notes remote-update@0:7/notes sync@0:18',
		{ transport: 'rpc' },
	),
	'the RPC migration is run late': of(
		'migration@0:6 create@0:1/tickets create@0:2/notes sync@0:13 migration@0:1 sync@0:15',
		{ transport: 'rpc' },
	),
	'a function that is found, and lost': of(
		'create@0:1/tickets create@0:2/tickets sync@0:13 migration@0:6 create@0:3/tickets create@0:4/tickets sync@0:15 update@0:5/tickets sync@0:17',
		{ transport: 'auto' },
	),
	'a change of user': of('create@0:1/notes switch@0:2 create@0:3/notes sync@0:14 switch@0:5 sync@0:16'),
	'signed out, and on': of('create@0:1/notes sign-out@0:3 create@0:4/notes switch@0:5 sync@0:16'),
	'a refused row': of('poison@0:1/notes create@0:2/notes sync@0:13 retry@0:4 sync@0:15'),
	'an upgrade with a full outbox': of(
		'create@0:1/tickets create@0:2/projects upgrade@0:3 create@0:4/notes sync@0:15',
		{ isOldApp: true },
	),
	'a sweep': of(
		'remote-create@0:1/notes remote-create@0:2/notes sync@0:13 remote-remove@0:4/notes reconcile@0:5',
	),
	...Object.fromEntries(
		STRATEGIES.map((strategy) => [
			`conflicts, ${strategy}`,
			of(
				'create@0:1/notes sync@0:11 update@0:2/notes remote-update@0:3/notes sync@0:14 remove@0:5/notes remote-update@0:6/notes sync@0:17 resolve@0:8',
				{ strategy },
			),
		]),
	),
};

function of(story: string, more: Partial<SimCase> = {}): SimCase {
	return { seed: 9, world: 'one', isBadDay: false, program: fromStory(`${story} wait@0:2`), ...more };
}
