// Prints what the core costs a web app: minified and gzipped, as esbuild bundles it from dist/index.js.
// Run `npm run build` first.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** kB (1,000 bytes) min+gzip, without dexie, xstate and supabase-js. */
const BUDGET_KB = 20;

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
const rows = [
	['core, without dexie and xstate', await sizeOf(everything, [...peers, 'dexie', 'xstate'])],
	['core with dexie and xstate', await sizeOf(everything, peers)],
	[
		'NetworkMonitor alone, without xstate',
		await sizeOf("export { NetworkMonitor } from './dist/index.js'", [...peers, 'dexie', 'xstate']),
	],
	[
		'inspector, without dexie and xstate',
		await sizeOf("export * from './dist/inspect.js'", [...peers, 'dexie', 'xstate']),
	],
];
for (const [name, { min, gzip }] of rows) {
	console.log(
		`${name.padEnd(40)} ${min.toFixed(1).padStart(7)} kB min ${gzip.toFixed(1).padStart(7)} kB min+gzip`,
	);
}
const over = rows[0][1].gzip - BUDGET_KB;
console.log(
	over > 0
		? `The core is ${over.toFixed(1)} kB over its budget of ${BUDGET_KB} kB.`
		: 'The core is within its budget.',
);
