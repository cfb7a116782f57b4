import { describe, it } from 'vitest';
import { fromStory } from './operation.ts';
import { assertKept, runCase, type SimCase } from './sim-case.ts';

/** Programs that failed once, as they were found. */
const CASES: Readonly<Record<string, SimCase>> = {
	'[S11] [R18] a comparison of ids is asked for while offline, and goes out': {
		...{ seed: 22, world: 'one', isBadDay: false },
		program: fromStory('remote-create@0:1/tasks offline@0:1 reconcile@0:0 reconcile@0:1'),
	},
	'[L2] [F58] [F7] a session seems over for ever, when the clock was an hour slow': {
		...{ seed: 10, world: 'one', isBadDay: false },
		program: fromStory('clock@0:10 create@0:1/notes sync@0:0 wait@0:5 create@0:2/notes'),
	},
	'[S1] [R10] what is queued while the queue is being cleared is cleared with it': {
		...{ seed: 87, world: 'one', isBadDay: true },
		program: fromStory(
			'thaw@5:76033 create@4:69027 remove@0:98727 auth-up@0:30060 freeze@1:11417 update@2:24280 poison@0:63226 late-commit@2:60133 tree@4:89072 remote-create@4:36416 update@0:96116 thaw@3:86894 remote-update@4:62724 sync@3:48117 update@5:84144 remote-create@1:90441 poke@2:87648 clear@0:35862 tree@0:25314',
		),
	},
	'[S27] [S19] a full disk in the middle of a discard rejects with a stranger’s error, and no replica opens again':
		{
			...{ seed: 7, world: 'one', isBadDay: false },
			program: fromStory('create@0:1/notes sign-out@0:3 create@0:4/notes switch@0:5 sync@0:16 wait@0:2'),
			storage: { at: 5, error: 'QuotaExceededError', isPersistent: true },
		},
};

describe('programs that failed once', () => {
	it.each(Object.entries(CASES))('%s', async (_, given) => {
		assertKept(given, await runCase(given));
	});
});
