import type { ChartProse } from './prose.ts';

/** The words of the root machine's page. */
export const SYNC: ChartProse = {
	intro:
		'The root of the engine, which an app has as `sync.actor`. Three regions run side by side: the *gate* knows whether the tables may talk, the *schedule* wishes for syncs without being asked, and the *run* puts the tables in order and answers those who wait. For each registered table it spawns a {table} machine. It is told facts (the connection, the session, the lead, the database) and makes no request itself.',
	why: [
		{
			heading: 'Regions instead of one large chart',
			text: 'Whether the app may talk, when it wants to and what is under way are three questions, and each of their answers can change while the others stay. One chart of all combinations would say everything several times; three small ones say each thing once. They talk through events and guards only: the gate raises {sync:gate.opened} for the schedule, and both schedule and run ask {sync:mayTalk}.',
		},
		{
			heading: 'A call while the gate is closed is answered, not kept',
			text: '`sync()` without a connection returns at once with an error for each table ({sync:refuseRun}), for an app must be able to say so to its user. Nothing is lost: the changes are in the queue, and with auto-sync on {sync:gate.opened} brings a sync as soon as the gate opens.',
		},
		{
			heading: 'The run ends by counting who waits',
			text: 'A run has no list of steps. {sync.run.syncing} lasts as long as anybody waits for a table, whoever that is: the app or the schedule. A call that comes meanwhile joins in, and a call for further tables extends the run.',
		},
		{
			heading: 'One refresh for all tables',
			text: 'When a token expires, every table is refused at about the same time. The first report leads to {sync.gate.open.refreshing}, where the others change nothing. When the fresh session is there, all tables go on where they were; when there is none to be had, the gate closes.',
		},
		{
			heading: 'Local writes are gathered before they are sent',
			text: 'With auto-sync on, a local write leads to {sync.schedule.auto.gathering}: writes that come within the short delay travel together, and then the tables written to are synced.',
		},
	],
	states: {
		'': 'All three regions are active at once, so that the root is always in one state of each. The facts and commands that belong to no region in particular are noted here.',
		gate: 'Whether the tables may talk.',
		'gate.hydrating':
			'The local database is not open yet, or not any more. What is queued is not known, so nothing may be sent.',
		'gate.closed':
			'The database is open, but the connection, the session or the lead among the tabs is missing.',
		'gate.open':
			'All of them are there. Entering tells every table so; leaving tells them that it is over, and answers the callers whose tables had not begun.',
		'gate.open.steady': 'The session is taken to be good.',
		'gate.open.refreshing':
			'A table’s session was refused, and a fresh one is being asked for. The runs stay open meanwhile.',
		schedule: 'When to sync without being asked.',
		'schedule.manual': 'Only when the app asks.',
		'schedule.auto':
			'At once, then at each interval, whenever the gate opens, when the app becomes visible, and soon after a local write.',
		'schedule.auto.quiet': 'No local write waits.',
		'schedule.auto.gathering': 'A local write came a moment ago; others may follow.',
		run: 'Who waits for what, and which table goes next. Requests and the tables’ reports are worked in here, in either state.',
		'run.idle': 'Nobody waits for a sync.',
		'run.syncing': 'Somebody waits for at least one table.',
	},
	events: {
		'storage.hydrated': 'The local database is open; which tables have something queued is known.',
		'storage.closed': 'It was closed, such as because the user has changed.',
		'network.changed': 'The verdict of {network}: within reach or not.',
		'session.changed': 'There is a valid session, or there is none.',
		'leadership.changed': 'This tab leads, or another does.',
		'table.register': 'The app registers a table.',
		'mutation.queued': 'A local write is in the queue.',
		'poke.received': 'Something changed at the server: pull soon. It carries no data.',
		always: 'No event: taken as soon as its guard holds.',
		'table.unauthorised': 'A table’s session was refused.',
		'table.settled': 'A table has come to rest, with its result or error.',
		'refreshSession done': 'There is a fresh session.',
		'refreshSession error': 'There is none to be had.',
		'schedule.enable': 'The app turns auto-sync on, or gives another interval.',
		'schedule.disable': 'The app turns it off.',
		'visibility.gained': 'The app’s window has become visible.',
		'gate.opened': 'Raised by the gate for the schedule.',
		'after interval': 'The interval is over.',
		'after liveDelay': 'No further write is waited for.',
		'sync.request': 'The app or the schedule wants a sync, of all tables or of some.',
		'table.uploaded': 'A table has sent what it may.',
		'table.cycled': 'A table has ended a round and begun another.',
	},
	guards: {
		mayTalk: 'The database is open, this tab leads, the server is within reach and the session is valid.',
		mayNotTalk: 'One of these is missing.',
		isHydrated: 'The database is open.',
		isUnhydrated: 'It is not.',
		isUnauthorised: 'The table has come to rest because its session was refused.',
		isLive: 'Local writes are to be sent soon (`liveUpload`), and the tables may talk.',
		hasWaiters: 'Somebody waits.',
		hasNoWaiters: 'Nobody does.',
	},
	actions: {
		openTables: 'Tells each table `connection.restored`.',
		announceOpen: 'Raises {sync:gate.opened}.',
		closeTables: 'Tells each table `connection.lost`, with the reason.',
		failRun: 'Answers for the tables that had not begun: they come back with the gate’s error.',
		sendCommands: 'Sends the tables their `sync.request`, as the run’s plan has it.',
		emitCompleted: 'Tells observers whose wait is over, and with what result (`sync.completed`).',
		emitRound: 'Tells observers how a table’s round ended (`round.ended`).',
		forgetStep: 'What was to be sent has been sent.',
		requestAll: 'Raises {sync:sync.request} for all tables.',
		requestDirty: 'Raises {sync:sync.request} for the tables that were written to, if there are any.',
		noteHydrated: 'Notes that the database is open, and which tables have something queued.',
		noteUnhydrated: 'Notes that it is not.',
		noteOnline: 'Notes the verdict on the connection.',
		noteSession: 'Notes whether there is a valid session.',
		noteLeadership: 'Notes whether this tab leads.',
		noteInterval: 'Notes the interval.',
		registerTable: 'Spawns the table’s machine and notes what it depends on.',
		openTable:
			'Tells one table `connection.restored`, if the gate is open: it came late, or was left offline.',
		markDirty: 'Notes which tables were written to.',
		pokeTables: 'Passes the poke on to the tables that it is about.',
		joinRun: 'Adds a caller to the run: its tables, and the parents of these that have something to send.',
		refuseRun: 'Answers a caller at once: each table with the gate’s error.',
		noteUploaded: 'Frees the dependants of the table, and deletes that waited for it.',
		noteRound:
			'Adds the table’s counts to those who wait for it, and ends the wait of those who have all they asked for.',
	},
	delays: {
		interval: 'As long as the app said in `enableAutoSync(intervalMs)`.',
		liveDelay: 'So that writes which come one after another travel together.',
	},
	services: {
		refreshSession: {
			does: 'Asks the auth client for a fresh session; it fails where there is none to be had.',
			input: 'nothing',
			output: 'nothing',
		},
	},
	spawned: {
		table:
			'One for each registered table: {table}. Told {table:connection.restored}, {table:connection.lost}, {table:sync.request} and {table:poke.received}; reports {sync:table.uploaded}, {sync:table.cycled}, {sync:table.settled} and {sync:table.unauthorised}.',
	},
	tags: {
		offline: 'The tables may not talk.',
		settled: 'Nobody waits.',
		syncing: 'Somebody does.',
	},
	rules: ['R4', 'R12', 'R14', 'R22', 'R24', 'S11', 'S29', 'L7', 'F1', 'F2', 'F7', 'F32', 'F40', 'F52', 'F53'],
};
