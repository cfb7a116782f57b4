import type { ChartProse } from './prose.ts';

/** The words of the network machine's page. */
export const NETWORK: ChartProse = {
	intro:
		'Is the server within reach? The machine is told what is known (requests that were answered or not, the browser’s word, the quality of the line) and holds the verdict. `NetworkMonitor` runs it; several engines may share one. What they hear of it reaches the root as {sync:network.changed}.',
	why: [
		{
			heading: 'Evidence decides, the browser’s word is a hint',
			text: '`navigator.onLine` is true behind a captive portal and on a line that leads nowhere, so true is not believed to mean more than “look again”. False is believed as a reason to pause, but not for ever: some systems say so with a connection that works, hence the seldom probe of {network.offline.paused}. A request that was answered, whatever its status, is proof: from anywhere it leads to {network.online}.',
		},
		{
			heading: 'One miss is no outage',
			text: 'A single request without an answer may be the server’s doing, or that of a lift. The second in a row leads to {network.online.doubted}, which still counts as online while the probe looks, so that no sync is turned away on a suspicion.',
		},
		{
			heading: 'A quiet app makes no request',
			text: '{network.online.trusted} has neither timer nor probe. Probes begin with a doubt and grow rarer with each vain one.',
		},
		{
			heading: 'Without a probe it still finds back',
			text: 'As long as no engine has given it one, nothing can be asked. Then {network.offline.waiting} ends in {network.online} on trial: the next unanswered request doubts at once.',
		},
	],
	states: {
		'': 'The verdict. What is true from anywhere stands here.',
		starting: 'Left at once, by what the browser says at the start.',
		online: 'The server counts as within reach.',
		'online.trusted': 'There is no reason to doubt it.',
		'online.doubted': 'There is one: the probe looks, and the verdict stays “online” until it knows.',
		offline: 'The server is out of reach.',
		'offline.entering': 'Left at once: to wait, or to pause if the browser says offline.',
		'offline.waiting': 'The next probe comes by itself, later each time.',
		'offline.paused': 'The browser says offline: the probe comes seldom.',
		'offline.probing': 'The probe looks.',
	},
	events: {
		'request.answered': 'A request got an answer, whatever its status.',
		'request.unanswered': 'A request got none.',
		'browser.online': 'The browser says that there is a connection.',
		'browser.offline': 'The browser says that there is none.',
		'quality.changed': 'The browser’s estimate of the line has changed.',
		'probe.changed': 'There is a probe from now on, or there is none any more.',
		'probe.requested': '“Look now”, such as when the user asks for a sync.',
		always: 'No event: taken as soon as its guard holds.',
		'probe done': 'The probe knows whether the server is within reach.',
		'probe error': 'The probe failed.',
		'after probeTimeout': 'The probe took too long.',
		'after probeDelay': 'It is time to look again.',
		'after recheckDelay': 'It is time to look whether the browser is right.',
	},
	guards: {
		isBrowserOffline: 'The browser says offline.',
		isEarlyMiss: 'It is the first request in a row without an answer.',
		canProbe: 'There is a probe.',
		isReachable: 'The probe reached the server.',
		isBearable: 'The probe’s error is no bug of its own.',
		isAvailable: 'There is a probe from now on.',
	},
	actions: {
		trust: 'Forgets misses and attempts.',
		measure: 'Adds the request’s round trip to the mean.',
		noteBrowserOnline: 'Notes the browser’s word, and starts the delays at their shortest.',
		noteBrowserOffline: 'Notes the browser’s word.',
		noteConnection: 'Notes the browser’s estimate of the line.',
		noteProbe: 'Notes whether there is a probe.',
		countMiss: 'Counts a request without an answer.',
		tryOnline: 'Online on trial: one miss is enough to doubt.',
		countAttempt: 'Counts a wait, so that the next is longer.',
	},
	delays: {
		probeDelay:
			'1 s, 2 s, 4 s and so on to 60 s, each shortened at random by up to half, so that a fleet of clients spreads.',
		recheckDelay: 'Between half a minute and a minute.',
		probeTimeout: 'The chart’s own limit, for a probe without one.',
	},
	services: {
		probe: {
			does: 'Asks the server’s REST address and examines the answer, so that a captive portal does not pass for the server. A failure counts as “no”, unless it is a bug.',
			input: 'nothing',
			output: 'whether the server is within reach',
		},
	},
	spawned: {},
	tags: { online: 'The verdict: within reach.' },
	rules: ['S29', 'L3', 'F37', 'F56'],
};
