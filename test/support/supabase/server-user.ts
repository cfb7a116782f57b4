import { execFileSync } from 'node:child_process';

/** The operating-system account that PostgreSQL's processes run under. */
export interface ServerUser {
	readonly uid: number;
	readonly gid: number;
}

const CANDIDATES = ['postgres', 'nobody'];

/**
 * PostgreSQL refuses to run as root: as root, the first existing account of `postgres` and `nobody`.
 * `undefined` means "as the current user". No account is ever created.
 */
export function findServerUser(): ServerUser | undefined {
	if (process.getuid?.() !== 0) return undefined;
	for (const name of CANDIDATES) {
		const user = lookUp(name);
		if (user) return user;
	}
	throw new Error(`PostgreSQL refuses to run as root, and none of ${CANDIDATES.join(', ')} exists here`);
}

function lookUp(name: string): ServerUser | undefined {
	try {
		return { uid: readId('-u', name), gid: readId('-g', name) };
	} catch {
		return undefined;
	}
}

function readId(flag: string, name: string): number {
	return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}
