import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LEGEND, POUCH, RXDB } from './names.ts';

const DIRECTORY = join(import.meta.dirname, 'peers');

const PACKAGES: Readonly<Record<string, string>> = {
	[RXDB]: 'rxdb',
	[LEGEND]: '@legendapp/state',
	[POUCH]: 'pouchdb-browser',
};

export interface Peers {
	/** Name → version. */
	readonly versions: Readonly<Record<string, string>>;
	/** The source of a page that knows them. */
	readonly script: string;
}

/** Installs the peers where nothing but the benchmark finds them. */
export function installPeers(): Peers {
	const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
	execFileSync(npm, ['ci', '--ignore-scripts'], { cwd: DIRECTORY, stdio: ['ignore', 'ignore', 'inherit'] });
	const versions = Object.entries(PACKAGES).map(([name, path]) => {
		const manifest = readFileSync(join(DIRECTORY, 'node_modules', path, 'package.json'), 'utf8');
		return [name, (JSON.parse(manifest) as { version: string }).version];
	});
	return { versions: Object.fromEntries(versions), script: join(DIRECTORY, 'page-script.ts') };
}
