import type { ChartProse } from './prose.ts';

/** The words of the table machine's page. */
export const TABLE: ChartProse = {
	intro:
		'One table’s sync. There is one such machine for each registered table; {sync} spawns it and tells it when it may talk and when a sync is wanted. It decides what comes next and does nothing itself: three services send, fetch and settle conflicts, one step a call, and the machine’s transitions follow from what they answer.\n\nA round is upload first, then download. In between, conflicts are resolved as they are met. At the end the table comes to rest in {table.idle}, or in {table.backoff} if something waits for its next attempt.',
	why: [
		{
			heading: 'Upload comes before download',
			text: 'A row with a queued change is not overwritten by a download, for the user’s change must stay visible. Sending first settles such rows, so that the download that follows finds as few of them as possible, and what it brings is the state after one’s own changes.',
		},
		{
			heading: 'A stuck upload does not freeze downloads',
			text: 'When the server puts off some rows but answers, {table.uploading} goes on to {table.downloading} all the same; only at the head of the download does the table go to {table.backoff} instead of {table.idle}. When nobody answers at all, the table goes to {table.backoff} straight away, for a download would not be answered either.',
		},
		{
			heading: 'Working states repeat by entering themselves anew',
			text: 'One upload is one batch and one download is one page. To go on, the state is left and entered again ({table:upload done} with {table:hasMore}): in between the machine hears everything that has come meanwhile, so that a lost connection or a wish is never more than one step away.',
		},
		{
			heading: 'A wish that comes meanwhile is remembered, not queued as work',
			text: 'While the table works, {table:sync.request} only raises the number of the newest wish. A download’s head then compares it with the number that the round’s upload began after: if it is higher, another upload begins ({table:isWantedOrDue}). So a caller’s answer always includes an upload that began after the call, however many calls there are.',
		},
		{
			heading: 'A refused session is an offline of its own',
			text: 'The first refusal of a round leads to {table.offline} with {table:awaitsSession} set: {sync} refreshes the session once for all tables, the round keeps its counts and goes on when {table:connection.restored} comes. A refusal right after the refresh ends the round with the error.',
		},
		{
			heading: 'An error that only a person can mend does not lock the table',
			text: 'A missing table or a column of the wrong type comes as an error that is neither about the session nor worth an automatic retry. The table goes to {table.idle} with the error, and tries again at the next request.',
		},
	],
	states: {
		'': 'One table. It is in exactly one of the states below.',
		offline:
			'The table may not talk: no connection, no valid session, another tab leads, or the local database is not open. Wishes and pokes are remembered. While a refused session is being refreshed the table waits here, too, with its round still open.',
		idle: 'At rest. Nothing is due, as far as the last round knew; perhaps it ended with an error that a person must mend.',
		uploading:
			'The service sends one batch of the queue. What is queued while it works belongs to the same upload only if it was there when the upload began.',
		resolving:
			'Conflicts were met: somebody else has changed the row since the edit began. The service settles those that wait by the table’s strategy, and the machine counts these rounds, for two devices must not go on for ever.',
		downloading:
			'The service reads one page of the server’s changes into the local database. It repeats until the head of the table is reached.',
		backoff:
			'Nobody answered, or something waits for its next attempt. The machine goes on by itself after the delay; a call of sync() has had its answer already.',
	},
	events: {
		'connection.restored': 'From the root: the table may talk.',
		'connection.lost':
			'From the root: it may not any more, with the reason as an error. What is in flight is aborted, and its outcome counts as unknown.',
		'sync.request':
			'From the root: upload and download, please. Its number grows with each wish; the round that serves it begins later than it. It also says whether deletes are to be held back for the sake of other tables.',
		'poke.received': 'Something changed at the server: pull soon. It carries no data.',
		'upload done': 'A batch has been sent, and what the server said of it is stored.',
		'upload error':
			'The batch as a whole came to nothing: no answer, a refused session, or an error of the table itself.',
		'resolve done': 'The conflicts that waited are settled.',
		'resolve error': 'They could not be settled, such as because the row could not be fetched.',
		'download done': 'A page has been stored.',
		'download error': 'It could not be fetched or stored.',
		'after backoff': 'The delay is over.',
	},
	guards: {
		awaitsSession: 'The table is offline only until the session has been refreshed; its round is still open.',
		isWanted: 'A wish has come that no round has served.',
		hasConflicts: 'Conflicts wait to be resolved.',
		hasMore: 'There is another batch to send, or another page to fetch.',
		isFirstUnauthorised: 'The session was refused, for the first time since it was last refreshed or taken.',
		isUnauthorised: 'The session was refused.',
		isRetryable: 'Nobody answered, or the server asked to try again later.',
		isDue: 'Something can be sent at once, such as a local version that won.',
		isWantedOrDue: 'A newer wish has come, or something can be sent at once.',
		isPoked: 'A poke has come since this pull began.',
		isWaiting: 'Something in the queue has its next attempt later.',
	},
	actions: {
		beginRound: 'Starts the counts of a round at zero and forgets the last error.',
		rememberRequest: 'Notes the wish, and whether deletes are to be held.',
		joinRequest: 'Adds a wish to the round that is under way; deletes that are free stay free.',
		rememberPoke: 'Notes that a pull is wanted.',
		freeDeletes:
			'Lets deletes go: outside a run nobody tells when the dependants are done, and one that comes too early is put off by the server.',
		beginUpload:
			'Starts an upload of all that is queued now, and draws the time of the next attempt beforehand, so that the service can store it with what it puts off.',
		continueUpload: 'Goes on with the same upload, or starts it anew for a newer wish.',
		beginPull: 'Starts a pull from the checkpoint.',
		endPull: 'Ends the pull, and with it a page that is being fetched ahead.',
		countStep: 'Adds the step’s counts to the round’s. Something uploaded proves that the server is there.',
		countResolving: 'Counts one more round of resolving.',
		noteHeld: 'Notes how many deletes were held back.',
		noteAnswered: 'The server answered and took the session: the count of vain attempts starts anew.',
		noteProgress: 'Notes how many rows the pull has read.',
		noteSynced: 'Notes the time, if the round had no error.',
		noteError: 'Keeps the error and adds it to the round’s counts.',
		noteReauthorising: 'Notes that the round waits for a fresh session.',
		endReauthorising: 'The wait for the session is over.',
		waitForAnswer:
			'Draws the next delay: twice as long a bound after each vain attempt, and no shorter than the server asks for.',
		waitForDue: 'Takes the time until the earliest next attempt as the delay, an hour at most.',
		endBackoff: 'Forgets the time of the next attempt.',
		forgetCounts: 'The counts have been reported; the next round has its own.',
		reportUploaded: 'Tells the root that all has been sent that may be, so that dependants can go.',
		reportCycled: 'Tells the root the result of a round that another follows at once.',
		reportSettled: 'Tells the root that the table is at rest, with the round’s counts and error.',
		reportUnauthorised: 'Asks the root for a fresh session.',
		emitPage: 'Tells observers of the page (`page.applied`).',
		emitResolved: 'Tells observers how the conflicts ended (`conflicts.resolved`).',
	},
	delays: {
		backoff:
			'After a step without an answer: anything between nothing and a bound that doubles from 1 s to 60 s, drawn evenly, so that devices that failed together do not return together. After a round that left something waiting: until its earliest next attempt.',
	},
	services: {
		upload: {
			does: 'Sends one batch of the queue and stores what the server says of each change.',
			input: 'UploadInput',
			output: 'UploadOutput',
		},
		resolve: { does: 'Settles the conflicts that wait.', input: 'ResolveInput', output: 'ResolveOutput' },
		download: {
			does: 'Fetches one page of changes and stores it with its checkpoint.',
			input: 'DownloadInput',
			output: 'DownloadOutput',
		},
	},
	spawned: {},
	tags: {
		offline: 'The table may not talk.',
		settled: 'At rest: nothing is under way.',
		syncing: 'A step is under way.',
		error: 'Something kept the table from coming to an end.',
	},
	rules: [
		'R6',
		'R7',
		'R9',
		'R11',
		'R12',
		'R13',
		'S11',
		'S20',
		'S23',
		'S29',
		'L3',
		'L7',
		'F8',
		'F28',
		'F32',
		'F37',
		'F40',
	],
};
