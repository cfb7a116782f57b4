import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnyStateMachine, createMachine } from 'xstate';
import { findDrift, generateOutputs, SOURCES } from '../../scripts/statecharts/outputs.ts';
import { assertComplete } from '../../scripts/statecharts/prose.ts';
import { readChart } from '../../scripts/statecharts/read-chart.ts';
import { linkReferences } from '../../scripts/statecharts/references.ts';
import { tableMachine } from '../../src/machines/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = 'docs/statecharts';

describe('the prose', () => {
	it.each(['states', 'events', 'guards', 'actions', 'delays', 'services', 'spawned', 'tags'] as const)(
		'fails the generator if a text of its %s is missing, or explains nothing',
		(part) => {
			const source = SOURCES.find(({ prose }) => Object.keys(prose[part]).length > 0);
			if (!source) throw new Error(`No chart has ${part}.`);
			const chart = readChart(source.machine);
			const [first = '', ...others] = Object.entries(source.prose[part]);
			expect(() => assertComplete(chart, source.prose)).not.toThrow();
			expect(() => assertComplete(chart, { ...source.prose, [part]: Object.fromEntries(others) })).toThrow(
				`${part}: no text for '${first[0]}'`,
			);
			expect(() =>
				assertComplete(chart, { ...source.prose, [part]: { ...source.prose[part], ghost: '' } }),
			).toThrow(`${part}: the chart has no 'ghost'`);
		},
	);

	it('fails the generator if it refers to a state or name that the chart does not have', () => {
		const charts = SOURCES.map(({ machine }) => readChart(machine));
		expect(linkReferences('{table.idle}, {table:isDue}', charts, 'sync')).toBe(
			'[`idle`](table.md#idle), `isDue`',
		);
		expect(() => linkReferences('{table.asleep}', charts, null)).toThrow('no such state');
		expect(() => linkReferences('{sync:sync.ask}', charts, null)).toThrow('no such name');
		expect(() => linkReferences('{tabel}', charts, null)).toThrow("no chart 'tabel'");
	});
});

describe('the generator', () => {
	const copy = mkdtempSync(join(tmpdir(), 'pixsync-statecharts-'));
	let outputs: ReadonlyMap<string, string>;

	beforeAll(async () => {
		outputs = await generateOutputs();
		for (const [path, text] of outputs) {
			mkdirSync(dirname(join(copy, path)), { recursive: true });
			writeFileSync(join(copy, path), text);
		}
	});
	afterAll(() => rmSync(copy, { recursive: true }));

	/** `npm run docs:statecharts -- --check` on the copy. */
	const check = () => {
		const main = join(ROOT, 'scripts/statecharts/main.ts');
		const args = ['--import', import.meta.resolve('tsx'), main, '--check'];
		const { status, stderr } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
		return { status, files: stderr.split('\n').filter((line) => /^(docs|src)\//.test(line)) };
	};

	it('says that the tree is what the machines say', () => {
		expect(findDrift(outputs, ROOT)).toEqual([]);
	});

	it('ends with 0 on a faithful copy, and with 1 and the files on one that was touched', () => {
		expect(check()).toEqual({ status: 0, files: [] });
		const page = join(copy, FOLDER, 'table.md');
		writeFileSync(page, readFileSync(page, 'utf8').replace('sync.request', 'sync.requests'));
		rmSync(join(copy, FOLDER, 'sync.svg'));
		writeFileSync(join(copy, FOLDER, 'old.md'), '');
		expect(check()).toEqual({
			status: 1,
			files: [
				`${FOLDER}/table.md: differs`,
				`${FOLDER}/sync.svg: missing`,
				`${FOLDER}/old.md: not generated any more`,
			],
		});
		expect(readFileSync(page, 'utf8')).toContain('sync.requests');
	});

	it('sees one transition more, in the page, the picture, the index and the drawings', async () => {
		const { config, implementations }: AnyStateMachine = tableMachine;
		const idle = config.states?.idle;
		const on = { ...idle?.on, 'connection.restored': { target: 'downloading' } };
		const states = { ...config.states, idle: { ...idle, on } };
		const bare: AnyStateMachine = createMachine({ ...config, states });
		const changed = bare.provide(implementations);
		const sources = SOURCES.map((source) =>
			source.machine === tableMachine ? { ...source, machine: changed } : source,
		);
		expect(findDrift(await generateOutputs(sources), ROOT)).toEqual([
			`${FOLDER}/table.md: differs`,
			`${FOLDER}/table.svg: differs`,
			`${FOLDER}/README.md: differs`,
			'src/inspect/charts.generated.ts: differs',
		]);
	});
});
