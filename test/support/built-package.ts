import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** The package as it is published, in a folder of its own, and a folder for an app that depends on it. */
export interface BuiltPackage {
	readonly dist: string;
	/** Holds `node_modules` with the package and what it depends on. */
	readonly app: string;
	remove(): void;
}

/** Takes some seconds. The build in the project's own folder, if there is one, is left alone. */
export function buildPackage(): BuiltPackage {
	const directory = mkdtempSync(join(tmpdir(), 'pixsync-package-'));
	const own = join(directory, 'pixsync');
	mkdirSync(own);
	for (const file of ['package.json', 'tsconfig.json', 'tsup.config.ts', 'src']) {
		cpSync(join(ROOT, file), join(own, file), { recursive: true });
	}
	symlinkSync(join(ROOT, 'node_modules'), join(own, 'node_modules'));
	execFileSync(process.execPath, [join(ROOT, 'node_modules/tsup/dist/cli-default.js'), '--no-dts'], {
		cwd: own,
		stdio: 'pipe',
	});
	const app = join(directory, 'app');
	mkdirSync(join(app, 'node_modules/@pixora/pixsync'), { recursive: true });
	mkdirSync(join(app, 'node_modules/@supabase'));
	// No link: bundlers look whether a file lies below node_modules.
	for (const part of ['package.json', 'dist']) {
		cpSync(join(own, part), join(app, 'node_modules/@pixora/pixsync', part), { recursive: true });
	}
	for (const name of ['@supabase/supabase-js', 'react', 'react-dom', 'dexie', 'xstate']) {
		symlinkSync(join(ROOT, 'node_modules', name), join(app, 'node_modules', name));
	}
	return {
		dist: join(own, 'dist'),
		app,
		remove: () => rmSync(directory, { recursive: true, force: true }),
	};
}
