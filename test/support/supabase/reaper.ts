import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';

/**
 * A detached helper process that outlives this one: when this process ends without {@link Reaper.release} —
 * `exit`, Ctrl-C, SIGKILL, out of memory — it ends the watched processes and removes the directory. So no
 * exit or signal hooks are needed here.
 */
export interface Reaper {
	readonly pid: number;
	/** @param signal what a clean end of that process takes; SIGKILL follows 3 s later. */
	watch(pid: number, signal: NodeJS.Signals): void;
	/** To be called when a watched process has ended: its pid may be given to a stranger. */
	forget(pid: number): void;
	/** Ends the helper without killing or removing anything. */
	release(): Promise<void>;
}

const SCRIPT = fileURLToPath(new URL('./reaper-process.mjs', import.meta.url));

/** @param directory removed with all its content when this process dies. */
export async function startReaper(directory: string): Promise<Reaper> {
	// The environment is empty on purpose: NODE_OPTIONS would load the loaders of the parent into it.
	const helper = spawn(process.execPath, [SCRIPT, directory], {
		cwd: tmpdir(),
		detached: true,
		env: {},
		stdio: ['pipe', 'ignore', 'ignore'],
	});
	await once(helper, 'spawn');
	const { pid, stdin } = helper;
	if (pid === undefined) throw new Error('the reaper process has no pid');
	const exited = once(helper, 'exit');
	helper.unref();
	if (stdin instanceof Socket) stdin.unref();
	stdin.on('error', () => {});
	const tell = (message: object) => stdin.write(`${JSON.stringify(message)}\n`);
	return {
		pid,
		watch: (watched, signal) => tell({ watch: watched, signal }),
		forget: (watched) => tell({ forget: watched }),
		async release() {
			helper.ref();
			tell({ release: true });
			stdin.end();
			await exited;
		},
	};
}
