import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diffFrom, diffHoldings } from '../examples/demo/compare.ts';
import { type Supabase, startSupabase } from './support/supabase/index.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Finished {
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

/** The demo as `npm run demo` runs it, but for colours and for what the caller's environment says. */
function runDemo(env: Readonly<Record<string, string>> = {}): Promise<Finished> {
	const { SUPABASE_URL: _url, SUPABASE_ANON_KEY: _key, ...inherited } = process.env;
	return new Promise((resolve, reject) => {
		const child = spawn(process.execPath, ['--import', 'tsx', 'examples/demo/main.ts'], {
			cwd: ROOT,
			env: { ...inherited, ...env },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		let [stdout, stderr] = ['', ''];
		child.stdout.setEncoding('utf8').on('data', (text: string) => {
			stdout += text;
		});
		child.stderr.setEncoding('utf8').on('data', (text: string) => {
			stderr += text;
		});
		child.on('error', reject);
		child.on('close', (code) => resolve({ code, stdout, stderr }));
	});
}

describe('the demo', () => {
	it('tells its story on a project of its own, and all is as it must be', async () => {
		const { code, stdout, stderr } = await runDemo();
		expect({ code, stderr: stderr.split('\n').filter((line) => !line.includes('Node.js 20')) }).toEqual({
			code: 0,
			stderr: [''],
		});
		const lines = stdout.split('\n');
		for (const line of [
			'alice  4 tables         offline → idle',
			'alice  generations      idle → uploading → downloading → idle',
			'bob    generations      idle → uploading → resolving → uploading → downloading → idle',
			'bob    model_configs    idle → uploading → resolving → downloading → idle',
			'bob    prompt_history   conflict in old-prompt: deleted at the server, created anew',
			'bob    pending          generations 2, prompt_history 2, quality_reports 2, model_configs 1',
			'bob    pending          generations 0, prompt_history 0, quality_reports 0, model_configs 0',
			'✓ alice and bob hold the same, in every column',
			'✓ bob and the server hold the same, too',
			'All is as it must be.',
		]) {
			expect(lines).toContain(line);
		}
		expect(lines.filter((line) => line.startsWith('✗'))).toEqual([]);
		expect(lines.filter((line) => line.length > 100)).toEqual([]);
		expect(stdout).not.toContain('\u001B');
	});
});

describe("the demo on the user's own project", () => {
	let supabase: Supabase;
	let env: Record<string, string>;

	beforeAll(async () => {
		supabase = await startSupabase();
		env = { SUPABASE_URL: supabase.url, SUPABASE_ANON_KEY: supabase.anonKey };
	});
	afterAll(() => supabase?.stop());

	it('asks for the key that goes with the URL', async () => {
		const { code, stderr } = await runDemo({ SUPABASE_URL: supabase.url });
		expect(code).toBe(1);
		expect(stderr).toContain('Set both SUPABASE_URL and SUPABASE_ANON_KEY, or neither.');
	});

	it('prints the SQL of the tables it lacks; with them it runs, and leaves only what was there', async () => {
		const refused = await runDemo(env);
		expect(refused.code).toBe(1);
		expect(refused.stderr).toContain('does not let the demo read its table "generations"');
		await supabase.sql(refused.stderr.slice(refused.stderr.indexOf('-- The tables of the demo')));
		await supabase.reloadSchema();

		await supabase.sql(
			"insert into generations (id, team_id, title) values (gen_random_uuid(), gen_random_uuid(), 'not the demo')",
		);
		const before = await supabase.sql('select * from generations');
		const { code, stdout } = await runDemo(env);
		expect({ code, end: stdout.trimEnd().split('\n').at(-1) }).toEqual({
			code: 0,
			end: 'All is as it must be.',
		});
		expect(await supabase.sql('select * from generations')).toEqual(before);
		for (const table of ['prompt_history', 'quality_reports', 'model_configs']) {
			expect(await supabase.sql(`select * from ${table}`)).toEqual([]);
		}
		expect(await supabase.sql('select id from auth.users')).toEqual([]);
	});
});

describe('compare', () => {
	const left = { holder: 'alice', tables: { notes: [{ id: '1', title: 'one', tags: { a: [1, 2] } }] } };

	it('finds nothing where all is equal, in whatever order rows and columns come', () => {
		const right = { holder: 'bob', tables: { notes: [{ tags: { a: [1, 2] }, title: 'one', id: '1' }] } };
		expect(diffHoldings(left, right)).toEqual([]);
		const [a, b] = [{ id: 'a' }, { id: 'b' }];
		expect(
			diffHoldings({ holder: 'alice', tables: { t: [a, b] } }, { holder: 'bob', tables: { t: [b, a] } }),
		).toEqual([]);
	});

	it('names each column that differs, however deep, and a column that one side lacks', () => {
		const right = { holder: 'bob', tables: { notes: [{ id: '1', tags: { a: [1, 3] }, extra: null }] } };
		expect(diffHoldings(left, right)).toEqual([
			'notes 1.title: alice has "one", bob has undefined',
			'notes 1.tags: alice has {"a":[1,2]}, bob has {"a":[1,3]}',
			'notes 1.extra: alice has undefined, bob has null',
		]);
	});

	it('names each row that only one side has, also of a table that the other lacks', () => {
		const right = { holder: 'bob', tables: { notes: [], drafts: [{ id: 7 }] } };
		expect(diffHoldings(left, right)).toEqual(['notes 1: only at alice', 'drafts 7: only at bob']);
	});

	it('tells what was expected and what was found', () => {
		expect(diffFrom({ n: 1 }, { n: 1 })).toEqual([]);
		expect(diffFrom({ n: 1 }, { n: 2 })).toEqual(['expected {"n":1}, found {"n":2}']);
		expect(diffFrom(null, undefined)).toEqual(['expected null, found undefined']);
	});
});
