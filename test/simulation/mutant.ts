import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { SimBuild } from './sim-tab.ts';

/** One place in the source, and what stands there instead. */
export interface Edit {
	/** Under `src`. */
	readonly file: string;
	/** Stands there exactly once: a change of the source must not leave a mutant that is none. */
	readonly find: string;
	readonly put: string;
}

/** A bug to plant. */
export interface Mutant extends Edit {
	/** Where it takes two to break a promise that is kept twice. */
	readonly also?: readonly Edit[];
}

const ROOT = join(import.meta.dirname, '../..');

/** Builds the package with the bug in it. @returns the build, and what takes it off the disk again. */
export async function plant({ also = [], ...first }: Mutant): Promise<{
	build: SimBuild;
	remove: () => Promise<void>;
}> {
	const sources = new Map<string, string>();
	for (const { file, find, put } of [first, ...also]) {
		const path = join(ROOT, 'src', file);
		const source = sources.get(path) ?? (await readFile(path, 'utf8'));
		const places = source.split(find).length - 1;
		if (places !== 1) throw new Error(`${file}: ${JSON.stringify(find)} stands there ${places} times`);
		sources.set(
			path,
			source.replace(find, () => put),
		);
	}
	// Inside the project, so that its packages are found.
	const folder = await mkdtemp(join(ROOT, 'node_modules/.mutant-'));
	const outfile = join(folder, 'index.mjs');
	await build({
		...{ entryPoints: [join(ROOT, 'src/index.ts')], bundle: true, format: 'esm', platform: 'node', outfile },
		packages: 'external',
		logLevel: 'error',
		plugins: [
			{
				name: 'mutant',
				setup: ({ onLoad }) =>
					onLoad({ filter: /\.ts$/ }, ({ path }) => {
						const contents = sources.get(path);
						return contents === undefined ? null : { contents, loader: 'ts' };
					}),
			},
		],
	});
	const planted = (await import(pathToFileURL(outfile).href)) as SimBuild;
	return { build: planted, remove: () => rm(folder, { recursive: true, force: true }) };
}
