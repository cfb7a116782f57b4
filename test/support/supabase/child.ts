import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Reaper } from './reaper.ts';
import type { ServerUser } from './server-user.ts';

/** A process that this one started, and that the reaper ends should this one die. */
export interface Child {
	readonly pid: number;
	/** Settles when the process has ended. Never rejects. */
	readonly exited: Promise<Ending>;
	readonly isRunning: boolean;
	/** Signals the process and its group, and waits until the process has ended. */
	end(signal: NodeJS.Signals): Promise<void>;
}

export interface Ending {
	/** Whether its exit code was 0. */
	readonly isSuccess: boolean;
	/** For error messages: command, exit code or signal, and the last lines that it wrote. */
	readonly description: string;
}

export interface ChildOptions {
	readonly cwd: string;
	/** The whole environment: nothing is inherited but PATH, so that a developer's PG* variables do not leak in. */
	readonly env?: Readonly<Record<string, string>>;
	readonly user: ServerUser | undefined;
	readonly reaper: Reaper;
	/** What ends it cleanly. @default 'SIGKILL' */
	readonly endSignal?: NodeJS.Signals;
}

const TAIL_LENGTH = 4_000;

/** Rejects when the binary cannot be executed. */
export async function startChild(
	command: string,
	args: readonly string[],
	options: ChildOptions,
): Promise<Child> {
	const { cwd, env, user, reaper, endSignal = 'SIGKILL' } = options;
	// Leader of its own group: Ctrl-C in a terminal reaches this process only, and a group can be ended whole.
	const child = spawn(command, args, {
		cwd,
		detached: true,
		env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
		...user,
	});
	if (child.pid !== undefined) reaper.watch(child.pid, endSignal);
	let written = '';
	const keep = (chunk: Buffer) => {
		written = (written + chunk.toString()).slice(-TAIL_LENGTH);
	};
	child.stdout.on('data', keep);
	child.stderr.on('data', keep);
	let isRunning = true;
	const exited = new Promise<Ending>((resolve) => {
		child.once('close', (code, signal) => {
			isRunning = false;
			if (child.pid !== undefined) reaper.forget(child.pid);
			const description = `${command} ended (${signal ?? `exit code ${code}`})\n${written}`;
			resolve({ isSuccess: code === 0, description });
		});
	});
	await once(child, 'spawn');
	const { pid } = child;
	if (pid === undefined) throw new Error(`${command} has no pid`);
	return {
		pid,
		exited,
		get isRunning() {
			return isRunning;
		},
		async end(signal) {
			if (isRunning) sendSignal(pid, signal);
			await exited;
		},
	};
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(-pid, signal);
	} catch {
		// Ended in between: `exited` says so.
	}
}
