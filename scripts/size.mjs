// What the package costs a web app: minified and gzipped, as esbuild bundles it from dist. Fails where something has
// grown beyond what it may cost. Run `npm run build` first.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** kB (1,000 bytes) min+gzip, without dexie, xstate and supabase-js: what the core is to come down to. */
const AIM_KB = 20;

/** What a page loads at once: chunks that only a dynamic import asks for are not counted. */
async function sizeOf(code, external) {
	const { outputFiles, metafile } = await build({
		stdin: { contents: code, resolveDir: process.cwd(), loader: 'js' },
		bundle: true,
		splitting: true,
		outdir: 'out',
		metafile: true,
		minify: true,
		format: 'esm',
		platform: 'browser',
		target: 'es2022',
		define: { 'process.env.NODE_ENV': '"production"' },
		external,
		write: false,
	});
	const loaded = new Set();
	const load = (path) => {
		if (loaded.has(path)) return;
		loaded.add(path);
		for (const { path: next, kind } of metafile.outputs[path].imports) {
			if (kind === 'import-statement' && next in metafile.outputs) load(next);
		}
	};
	load(Object.keys(metafile.outputs).find((path) => metafile.outputs[path].entryPoint));
	let min = 0;
	let gzip = 0;
	for (const { path, contents } of outputFiles) {
		if (![...loaded].some((name) => path.endsWith(name))) continue;
		min += contents.length / 1000;
		gzip += gzipSync(contents, { level: 9 }).length / 1000;
	}
	return { min, gzip };
}

const everything = "export * from './dist/index.js'";
const peers = ['@supabase/supabase-js'];
/** Each with the most kB min+gzip that it may cost: a little more than it does. */
const rows = [
	['core, without dexie and xstate', 72, await sizeOf(everything, [...peers, 'dexie', 'xstate'])],
	['core with dexie and xstate', 118, await sizeOf(everything, peers)],
	[
		'NetworkMonitor alone, without xstate',
		5,
		await sizeOf("export { NetworkMonitor } from './dist/index.js'", [...peers, 'dexie', 'xstate']),
	],
	[
		'React, without react',
		6,
		await sizeOf("export * from './dist/react.js'", [...peers, 'dexie', 'xstate', 'react']),
	],
	[
		'inspector, without dexie and xstate',
		19,
		await sizeOf("export * from './dist/inspect.js'", [...peers, 'dexie', 'xstate']),
	],
];
for (const [name, most, { min, gzip }] of rows) {
	const sizes = `${min.toFixed(1).padStart(7)} kB min ${gzip.toFixed(1).padStart(7)} kB min+gzip`;
	console.log(`${name.padEnd(40)} ${sizes}, of ${most}`);
	if (gzip > most) process.exitCode = 1;
}
const over = rows[0][2].gzip - AIM_KB;
if (over > 0) console.log(`The aim for the core is ${AIM_KB} kB: it is ${over.toFixed(1)} kB above it.`);
if (process.exitCode)
	console.error(
		'Something has grown beyond what it may cost: make it smaller, or say in scripts/size.mjs why not.',
	);
