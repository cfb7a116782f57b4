/** The words of the index: how the charts fit together, and a few walks through them. */
export interface IndexProse {
	readonly intro: string;
	/** One sentence for each chart, by its id. */
	readonly charts: Readonly<Record<string, string>>;
	/** Who talks to whom, below the diagram. */
	readonly together: string;
	readonly walks: readonly Walk[];
	/** How to read further. */
	readonly outro: string;
}

export interface Walk {
	readonly heading: string;
	readonly intro: string;
	readonly steps: readonly string[];
}

export const INDEX: IndexProse = {
	intro:
		'PixSync’s engine is a set of statecharts: what the sync can be doing is a list of states, and what makes it do something else is a list of events. These pages are written from the machines that run, so that they say what the code does; only the reasons and the meaning of the names are written by people.',
	charts: {
		table: 'One for each registered table: send, settle conflicts, fetch, wait.',
		sync: 'The root, one for each app: may the tables talk, is a sync wanted, who waits for it.',
		network: 'The verdict on the connection.',
	},
	together:
		'- The app talks to `SyncManager`, which writes the local database and sends the root its commands and facts.\n- {sync} spawns a {table} for each registered table ({sync:registerTable}) and tells it three things: {table:connection.restored} and {table:connection.lost} when the gate opens and closes, {table:sync.request} when it is the table’s turn, {table:poke.received} when something changed at the server.\n- A table reports back: {sync:table.uploaded} when its dependants may go, {sync:table.cycled} and {sync:table.settled} with the counts of a round, {sync:table.unauthorised} when its session was refused.\n- {network} is no child of either. `NetworkMonitor` runs it and feeds it with the outcome of every request; its verdict reaches the root as {sync:network.changed}.\n- No machine makes a request or touches the database. Services do, one step a call: a state that works *invokes* its service, and leaving the state aborts it.',
	walks: [
		{
			heading: 'One write’s way to the server and back',
			intro: "The app calls `queueAction('todos', 'update', …)` while all is well and auto-sync is on.",
			steps: [
				'The row and the queued change are written to the local database in one transaction. The promise resolves; the screen shows the change. Nothing has been sent yet.',
				'The root hears {sync:mutation.queued}. Its schedule goes from {sync.schedule.auto.quiet} to {sync.schedule.auto.gathering}, and a moment later ({sync:after liveDelay}) asks for a sync of the tables written to ({sync:requestDirty}). In {sync.schedule.manual} nothing happens until the app calls `sync()`.',
				'The run takes {sync:sync.request} ({sync:joinRun}), goes from {sync.run.idle} to {sync.run.syncing}, and sends the table its turn ({sync:sendCommands}): parents first, if the table depends on others.',
				'The table goes from {table.idle} to {table.uploading}. The service stores what it is about to send, sends it, and stores the server’s answer: the change leaves the queue in the same transaction that stores the row as the server has it.',
				'{table:upload done}: with {table:hasMore} the state is entered again for the next batch; at the end {table:reportUploaded} lets dependants go, and the table goes on to {table.downloading}.',
				'{table.downloading} fetches what others have changed, page by page. At the head the table comes to rest in {table.idle} and tells the root ({table:reportSettled}).',
				'The run adds up what the tables reported ({sync:noteRound}). When nobody waits any more it goes back to {sync.run.idle}; a caller of `sync()` gets its result ({sync:emitCompleted}).',
			],
		},
		{
			heading: 'Somebody else’s change coming down',
			intro: 'A colleague has changed a row at the server.',
			steps: [
				'A sync brings it: at the interval of auto-sync ({sync:after interval}), when the window becomes visible ({sync:visibility.gained}), or when the app calls `sync()`. A {sync:poke.received} does so, too, where something tells the root of changes; it goes from {table.idle} straight to {table.downloading}, for there is nothing to send.',
				'{table.downloading} reads a page: everything newer than the checkpoint, and a little before it. The rows and the new checkpoint are stored in one transaction, and observers are told ({table:emitPage}).',
				'A row with a queued change of one’s own is not overwritten. The server’s row is kept beside it, and the conflict is met at the next upload.',
				'{table:hasMore} fetches the next page. At the head: {table.uploading} if something can be sent by now ({table:isWantedOrDue}), {table.downloading} again if a poke came meanwhile ({table:isPoked}), {table.backoff} if something waits for its next attempt ({table:isWaiting}), else {table.idle}.',
			],
		},
		{
			heading: 'A conflict',
			intro: 'Both sides have changed the same row.',
			steps: [
				'{table.uploading} sends the change on the condition that the row is still the one that the edit started from. It is not: the server’s row is stored beside the local one, and the change waits. The rest of the batch is not held up.',
				'{table:upload done} with {table:hasConflicts} leads to {table.resolving}, where the table’s `conflictResolution` decides. Observers hear how each one ended ({table:emitResolved}).',
				'A local version won ({table:isDue}): back to {table.uploading}, where it is sent anew, on the server’s newest row. Otherwise the server’s row is in place, and the table goes on to {table.downloading}.',
				'Two devices could go on like this for ever. {table:countResolving} counts; past the bound, what would be sent anew is put off, and the table comes to rest in {table.backoff}.',
			],
		},
		{
			heading: 'A lost connection',
			intro: 'The train enters a tunnel in the middle of an upload.',
			steps: [
				'The request gets no answer. The table goes from {table.uploading} to {table.backoff} ({table:isRetryable}) and reports the error, so that `sync()` returns. What was sent keeps its place in the queue, marked as of unknown outcome.',
				'{network} counts the miss. The second in a row leads from {network.online.trusted} to {network.online.doubted}, where the probe looks; nothing comes back, and it is {network.offline}. If the browser says offline, {network.offline.paused} is reached at once.',
				'The root hears {sync:network.changed}: {sync:mayNotTalk} holds, and the gate goes from {sync.gate.open} to {sync.gate.closed}. Every table is told ({sync:closeTables}) and goes to {table.offline}. From now on no request is made but the probe’s, and a call of `sync()` is answered at once ({sync:refuseRun}).',
				'Local writes go on as before: into the local database and the queue.',
				'A probe reaches the server, or the browser says online: {network.online}, {sync.gate.open}, and {sync:openTables}. With auto-sync on, {sync:gate.opened} asks for a sync of everything. A table goes from {table.offline} to {table.idle}, or straight to {table.uploading} if a wish came meanwhile ({table:isWanted}).',
				'The change of unknown outcome is compared with the server’s row first: had it arrived, it is acknowledged, and is not applied twice.',
			],
		},
	],
	outro:
		'Each page has its chart as a picture, its states, the table of what leads where with guards and actions, the reasons, the rules it obeys with the ids that tests cite, and a dictionary of its names. In a running app, `sync.actor.getSnapshot().value` says where the root is, and `sync.getState()` where each table is.',
};
