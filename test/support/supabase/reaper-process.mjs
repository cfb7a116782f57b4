// Runs detached. Holds one end of a pipe whose other end only its parent holds: end of file means that the
// parent is gone, however it died. Then the watched processes are ended and the directory is removed.
// Input: one JSON message a line — {watch: pid, signal}, {forget: pid}, {release: true}.
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const GRACE_MS = 3_000;
const directory = process.argv[2];
const watched = new Map();
let isReleased = false;

for await (const line of createInterface({ input: process.stdin })) {
	const message = JSON.parse(line);
	if (message.watch) watched.set(message.watch, message.signal);
	if (message.forget) watched.delete(message.forget);
	if (message.release) isReleased = true;
}

if (!isReleased) {
	for (const [pid, signal] of watched) send(pid, signal);
	const deadline = Date.now() + GRACE_MS;
	while (Date.now() < deadline && [...watched.keys()].some(isRunning)) await sleep(20);
	for (const pid of watched.keys()) send(pid, 'SIGKILL');
	rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}

/** To the process group first: every watched process leads its own. */
function send(pid, signal) {
	for (const target of [-pid, pid]) {
		try {
			process.kill(target, signal);
			return;
		} catch {
			// Gone already, or no process groups on this platform.
		}
	}
}

/** A zombie that nobody waits for (a container whose first process does not) counts as ended. */
function isRunning(pid) {
	try {
		process.kill(pid, 0);
	} catch {
		return false;
	}
	try {
		return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
	} catch {
		return process.platform !== 'linux';
	}
}
