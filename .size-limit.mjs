// What the package costs a web app, min+gzip, as esbuild bundles it from dist: run `npm run build` first. Each limit is
// a little more than it costs now; where something grows beyond it, make it smaller, or say here why not. The core is
// to come down to 20 kB. It has grown by 1.9 kB for speed: rows are written past Dexie, a create reads nothing before, an
// idle sync looks once, past Dexie, and an idle poll is one request. Each takes a tenth to a third of the time away.
//
// What syncs, such as the transports (about 8 kB), is not loaded on demand. An `import()` that fails once, as it does where
// the network is bad, fails until the page is reloaded in browsers that follow the HTML standard of before 2026
// (https://github.com/whatwg/html/issues/6768), and after a deployment its file is gone: changes would wait in a queue that
// nothing empties.

/** The app's own dependencies, and what only a dynamic import asks for. */
const peers = ['@supabase/supabase-js', './diagnose-client-*'];
const engines = [...peers, 'dexie', 'xstate'];
const common = {
	gzip: true,
	// Warns at each import that `sideEffects` lets it leave out.
	modifyEsbuildConfig: (config) => ({ ...config, logLevel: 'error' }),
};

const limits = [
	{ name: 'core', path: 'dist/index.js', import: '*', ignore: engines, limit: '73.5 kB' },
	{ name: 'core with dexie and xstate', path: 'dist/index.js', import: '*', ignore: peers, limit: '119 kB' },
	{
		name: 'NetworkMonitor alone, without xstate',
		...{ path: 'dist/index.js', import: '{ NetworkMonitor }', ignore: engines, limit: '4 kB' },
	},
	{ name: 'React', path: 'dist/react.js', import: '*', ignore: [...engines, 'react'], limit: '6 kB' },
	{ name: 'inspector', path: 'dist/inspect.js', import: '*', ignore: engines, limit: '18 kB' },
];

export default limits.map((limit) => ({ ...common, ...limit }));
