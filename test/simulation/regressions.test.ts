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
	'[S2] [S3] an edit brings a row back whose id the server made, and is taken for an invention': {
		...{ seed: 743188024, world: 'tabs', isBadDay: true, kills: [25] },
		program: fromStory(
			'create@3:55856 remove@4:82668 sync@2:94077 contend@4:9903 remote-create@1:38422 remote-create@5:83015 sync@3:53509 reconcile@4:31328 reconcile@0:84436 expire@4:41381 update@2:57274 create@1:7750 update@0:54324 poke@4:63021 remote-remove@4:50429 sync@0:55276 late-commit@1:54639 expire@0:55927 update@0:11954 contend@3:73567 wait@2:28261 update@5:41138 tree@1:77633 reconcile@3:42302 freeze@5:83537 remove@2:89740 create@3:15258 contend@4:89847 create@5:33148 update@2:81931 update@3:51426 remote-remove@4:21961',
		),
	},
	'[S1] a second delete of a row, queued while the first is being written, is taken for lost': {
		...{ seed: 743187991, world: 'devices', isBadDay: true },
		program: fromStory(
			'update@1:64210 create@4:85938 create@4:84078 contend@3:92578 online@1:23758 sync@1:46540 contend@1:60984 sync@3:31742 poison@4:19504 thaw@4:97551 auto@2:78222 create@2:27854 wait@4:43735 update@2:20318 contend@5:57594 update@0:95726 sync@5:91883 switch@0:23576 remote-update@4:94018 sync@1:54376 tree@1:2460 contend@4:26593 contend@5:46970 kill@4:30798 restart@3:69374 online@4:53281 remote-remove@1:4181 remote-update@1:7553 online@5:37787 freeze@0:24696 disk@5:279 contend@1:14802 contend@3:97980 remote-remove@5:42557 sync@2:28674',
		),
	},
	'[S2] a row whose id the server made, changed by somebody else before its maker knew it again, is taken for two':
		{
			...{ seed: 770858767, world: 'devices', isBadDay: true, kills: [92] },
			program: fromStory(
				'remote-update@0:70752 sync@1:87615 update@2:84740 update@2:53848 contend@2:90405 restart@1:48322 contend@0:34468 online@3:2436 expire@0:6269 sync@1:12855 create@3:69261 update@3:54919 remove@2:37267 update@3:91066 wait@4:16695 remote-update@3:62122 poke@3:15598 sync@0:79564 poison@0:82443 contend@4:62826 clock@5:9397 contend@2:81338 update@4:15913',
			),
		},
	'[L2] a child that waits for a dead letter is changed once more, and is taken for stuck': {
		...{ seed: 770958526, world: 'devices', isBadDay: false },
		program: fromStory(
			'contend@2:29969 reconcile@0:14547 wait@0:90033 resolve@1:36024 switch@2:23510 upgrade@1:3137 freeze@1:8512 create@4:5030 thaw@1:80763 sync@3:71216 kill@1:69996 poison@0:2378 online@5:77119 online@2:51186 update@3:85194 auth-up@2:93668 contend@5:88997 update@5:68795 wait@3:63259 create@0:98202 create@2:30883 tree@3:80044 update@2:94503 remove@5:40582 remove@5:27775 wait@2:80958',
		),
	},
	'[S2] [F58] the clock is set between two sessions, a create’s reply is lost, and the row is looked for in the wrong minute':
		{
			...{ seed: 910000619, world: 'one', isBadDay: true, kills: [4] },
			program: fromStory(
				'remove@2:6665 wait@1:87418 remote-remove@4:70069 remote-remove@3:39607 sync@1:66600 clock@1:23496 restart@2:94381 wait@1:91653 update@5:30697 create@1:45385 update@0:33975 update@5:63584 update@5:35971 create@4:86855 tree@4:21567 sync@2:29956 switch@2:25022 create@4:24665 switch@4:74644',
			),
		},
	'[L2] [F58] the clock is set while the app is open, a version lies in the future, and the next edit of the row is sent for ever':
		{
			...{ seed: 910000858, world: 'one', isBadDay: false },
			program: fromStory(
				'restart@4:54537 remove@5:99126 sync@0:90947 create@0:57207 clock@5:57512 update@2:34786 create@1:8224 remove@3:60988 sync@2:34890 expire@4:85829 sync@3:46755 create@5:7544 remote-update@3:1198 remove@3:99040 update@5:22225 late-commit@4:19411 wait@5:55073 update@1:45987 create@4:50117 offline@1:43585 remote-create@0:61809 tree@5:69696 contend@3:2731 sync@4:8148 create@2:36097 update@1:48404',
			),
		},
	'[S6] a child is synced by name in the moment in which another tab has queued its parent, and goes alone': {
		...{ seed: 940000221, world: 'tabs', isBadDay: true },
		program: fromStory('tree@4:81259 sync@0:91664'),
	},
	'[S4] [R20] a create’s reply is lost, the row is edited here and deleted elsewhere, and the edit stands on nothing':
		{
			...{ seed: 7300664, world: 'one', isBadDay: true, transport: 'rpc' },
			program: fromStory(
				'online@0:9551 restart@4:20244 wait@5:21083 create@4:96619 auto@2:67459 restart@3:23920 resolve@5:35128 disk@4:25666 contend@1:29658 update@2:74972 wait@0:64536 sync@5:88362',
			),
		},
	'[S6] [R14] a parent’s table is not among those that the function takes, and its child is taken for hasty':
		{
			...{ seed: 7300969, world: 'tabs', isBadDay: true, transport: 'rpc' },
			program: fromStory(
				'late-commit@5:89355 migration@0:57055 remove@3:80788 remote-create@4:91936 online@0:61973 poison@4:87534 create@3:20223 update@1:18142 sync@4:51689 thaw@3:48076 tree@4:76812 remote-update@3:53792 wait@2:11394 tree@0:69366 restart@3:86001 contend@2:79075 remote-create@1:59068 late-commit@3:84676 offline@3:87455 auth-up@1:48635 update@0:29261 remote-create@1:2959 create@3:68258 update@5:8578 remote-create@5:52935 clear@4:24524 remove@4:80373 wait@4:22144 wait@0:51150 migration@0:23018 create@1:60519',
			),
		},
	'[S2] [R20] an edit brings back a row whose id the server made, by a name of its own, and is taken for a repetition':
		{
			...{ seed: 21000054, world: 'one', isBadDay: true, transport: 'auto' },
			program: fromStory(
				'update@3:76437 update@4:23723 poke@3:75495 auth-up@4:89811 migration@0:39 update@5:5828 create@3:26674 update@0:12093 update@4:23342 sync@3:96727 migration@0:59 sync@5:60724 wait@0:25951 remote-remove@1:60371 remote-update@0:77546 poke@5:88755 remote-create@4:8289 wait@0:40305 contend@3:58951 poison@2:77701 switch@3:85533 reconcile@0:24586 update@3:95621 online@4:46624 contend@5:92 auto@4:19618 contend@4:20374 clock@0:64788 create@1:16086 outage@1:93582',
			),
		},
	'[S2] a pull shows that a row has moved on before its change is asked for by name, and the two are compared':
		{
			...{ seed: 21001070, world: 'one', isBadDay: true, transport: 'auto' },
			program: fromStory(
				'sync@2:54585 update@5:55157 discard@5:782 remote-create@0:53074 expire@2:71705 create@4:64703 retry@4:22294 wait@1:84398 thaw@3:22845 restart@3:70650 sync@1:64984 tree@3:96764 wait@2:24741 update@1:17515 remove@1:6917 poison@0:59902 sync@0:89002 expire@4:67786 restart@5:98638 poke@5:5132 remote-update@2:55886 contend@2:17209 wait@1:8103 wait@0:68992',
			),
		},
	'[S15] a scan by timestamps is cut off, a commit comes late behind its position, and the log takes over': {
		...{ seed: 995000679, world: 'devices', isBadDay: true, transport: 'auto' },
		program: fromStory(
			'create@5:97286 restart@5:31477 sync@2:27615 create@3:55770 late-commit@4:8294 create@3:68225 update@1:49673 create@1:23012 remote-create@4:30271 thaw@2:91415 expire@2:39671 disk@2:29796 sync@1:24369 remote-update@1:74322 sync@4:13825 wait@2:9363 create@0:51744 online@0:30456 remote-update@0:23221 auth-up@5:52956 create@4:95802 update@1:60592 remote-create@0:89235 tree@2:40366 update@2:22276 update@3:62235 resolve@4:15439 sync@4:78194 auth-up@5:14969 update@4:69428 wait@1:86614',
		),
	},
	'[S24] a tab wakes up and asks for what is new, and is taken to push': {
		...{ seed: 1200000375, world: 'tabs', isBadDay: true, transport: 'rpc' },
		program: fromStory(
			'wait@2:70374 sync@4:76689 contend@1:10486 wait@4:43432 contend@2:4626 remote-update@2:85547 sync@3:27522 freeze@0:80940 sync@1:23654 contend@3:56270 wait@0:49785 poison@5:41553 create@1:39974 switch@2:74759 remove@0:66472 update@0:47823 upgrade@4:40090 update@4:37018 thaw@3:47786 sync@3:51923 contend@1:63141 remote-update@2:5847 update@4:76447 remote-update@3:40648 remove@4:90456 contend@2:67008 create@2:90965 tree@3:23537 offline@0:44229 migration@0:88700 remove@4:43197 wait@5:16795',
		),
	},
	'[S4] a row is deleted under the id that the server gave it, edited under the provisional one, and the edit stands on nothing':
		{
			...{ seed: 1200005955, world: 'one', isBadDay: true, transport: 'rpc' },
			program: fromStory(
				'update@3:12266 auth-down@3:71654 wait@3:52517 create@2:81995 migration@0:39500 update@0:63881 wait@2:32541 remove@0:62745 create@3:14766 remote-create@2:31208 contend@2:99201 switch@2:98352 create@5:84317 sync@2:53738 outage@1:81500 sync@4:17516 remove@1:30607 resolve@5:41240 contend@1:18219 offline@5:4467 create@0:66500 remote-update@5:4391 sync@1:32074 update@1:61586 expire@5:45902 update@3:21616 online@1:469 remote-update@3:77730 remote-update@5:47740 remote-update@0:43507 tree@2:35786 poison@0:61937 migration@0:56285',
			),
		},
	'[L2] [F58] the disk refuses the lead, the clock is set back, and a sync waits an hour for a leader': {
		...{ seed: 1300001198, world: 'one', isBadDay: false },
		program: fromStory(
			'create@2:95703 sync@4:32719 kill@5:96400 thaw@3:94245 sync@2:31940 disk@3:33646 update@2:49332 auto@0:47187 remote-remove@2:45616 remove@3:11730 create@2:39003 retry@4:98877 tree@3:54195 kill@5:90046 clock@5:58733 online@1:49514 update@4:5778 sync@2:5146',
		),
	},
	'[S11] a tab wakes up, hears that it is offline and then an answer of before, and takes itself for online':
		{
			...{ seed: 1310013641, world: 'tabs', isBadDay: true, transport: 'rpc' },
			program: fromStory(
				'contend@1:8895 reconcile@3:46556 poke@4:4625 create@0:89840 update@1:33413 remote-update@3:80419 contend@0:88546 update@2:23446 update@5:52069 update@3:21550 contend@2:70469 sync@4:55496 update@0:53372 create@2:20059 create@2:39288 create@5:18227 auth-up@0:2629 migration@0:30098 disk@2:37327 freeze@0:32820 create@0:10736 poison@2:39541 offline@4:82688 wait@1:85494 update@0:92599 update@0:18279 create@3:73065 create@3:23988 update@4:70355 contend@0:57669 update@5:96369 late-commit@4:25074 thaw@0:46547 sync@1:43334',
			),
		},
	'[S15] [F58] the clock is set while the time is asked for, and a row is stamped an hour back': {
		...{ seed: 1300002803, world: 'one', isBadDay: false, kills: [100] },
		program: fromStory(
			'update@2:69530 update@2:94338 create@3:13012 sync@0:95088 wait@1:69827 remove@3:9466 wait@3:77489 restart@5:18398 remote-create@2:34356 remote-update@1:91640 remote-remove@0:81022 update@0:55262 wait@0:45790 switch@1:87840 sync@5:2719 remove@4:12201 discard@2:81541 clear@0:60887 online@1:10351 update@1:92634 wait@4:96058 wait@5:91921 create@5:22459 remote-update@1:42485 remote-remove@1:51811 remote-update@4:25339 remote-remove@2:38001 poison@5:22417 tree@3:52978 clock@2:59700 contend@1:61181 update@2:11382 create@5:24924 update@3:91480 wait@3:48265 auto@1:56259 clock@5:59499 late-commit@2:43505 auto@5:87727',
		),
	},
};

describe('programs that failed once', () => {
	it.each(Object.entries(CASES))('%s', async (_, given) => {
		assertKept(given, await runCase(given));
	});
});
