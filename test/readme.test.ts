import 'fake-indexeddb/auto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@supabase/supabase-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { headingAnchors, npmScriptsOf, toCodeBlocks } from './support/readme-blocks.ts';
import { createRecorder, isAsClaimed, type ReadmeLog } from './support/readme-claims.ts';
import { toReadmeModule } from './support/readme-module.ts';
import { namesIn } from './support/readme-names.ts';
import { typeErrorsOf } from './support/readme-types.ts';
import { type Supabase, startSupabase, webSocketTransport } from './support/supabase/index.ts';

const root = join(import.meta.dirname, '..');
const generated = join(import.meta.dirname, '.tmp', `readme-${process.pid}`);
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const blocks = toCodeBlocks(readme);

/** Well below vitest's own limit, so that a README that hangs tells where. */
const RUN_TIMEOUT_MS = 30_000;

/** Generates the module of a document, and runs it. */
async function runDocument(
	name: string,
	markdown: string,
	runSql: (sql: string) => Promise<void>,
): Promise<{ log: ReadmeLog; error: unknown }> {
	const log = createRecorder(name, async (line) => {
		await runSql(toCodeBlocks(markdown).find((block) => block.line === line)?.code ?? '');
	});
	let timer: ReturnType<typeof setTimeout> | undefined;
	const overdue = new Promise<never>((_, reject) => {
		const tell = () => new Error(`still waiting, after the claim of line ${log.checked.at(-1) ?? 0}`);
		timer = setTimeout(() => reject(tell()), RUN_TIMEOUT_MS);
	});
	try {
		await Promise.race([import(/* @vite-ignore */ writeModule(name, markdown)), overdue]);
		return { log, error: null };
	} catch (error) {
		return { log, error };
	} finally {
		clearTimeout(timer);
	}
}

function writeModule(name: string, markdown: string): string {
	const path = join(generated, `${name}.ts`);
	mkdirSync(generated, { recursive: true });
	writeFileSync(
		path,
		toReadmeModule(markdown, {
			name,
			claims: '../../support/readme-claims.ts',
			imports: {
				'@pixora/pixsync': '../../../src/index.ts',
				'@pixora/pixsync/machines': '../../../src/machines/index.ts',
				'@pixora/pixsync/inspect': '../../../src/inspect/index.ts',
			},
		}),
	);
	return path;
}

afterAll(() => rmSync(generated, { recursive: true, force: true }));

describe('the README, run on a real Supabase', () => {
	let supabase: Supabase;
	let log: ReadmeLog;
	let error: unknown;

	beforeAll(async () => {
		supabase = await startSupabase();
		process.env.SUPABASE_URL = supabase.url;
		process.env.SUPABASE_ANON_KEY = supabase.anonKey;
		// As in a browser; Node has one of its own from 22 on.
		globalThis.WebSocket ??= webSocketTransport as unknown as typeof WebSocket;
		const { auth } = createClient(supabase.url, supabase.anonKey, { auth: { persistSession: false } });
		await auth.signUp({ email: 'ada@example.com', password: 'correct horse' });
		({ log, error } = await runDocument('readme', readme, async (sql) => {
			await supabase.sql(sql);
			await supabase.reloadSchema();
		}));
	});

	afterAll(() => supabase?.stop());

	const executed = blocks.filter(({ language }) => language === 'ts' || language === 'sql');
	it.each(executed)('line $line: the $language block does what it says', ({ line, endLine }) => {
		const isIn = (wrong: { line: number }) => wrong.line >= line && wrong.line <= endLine;
		expect(log.wrong.filter(isIn).map(({ line: at, message }) => `${at}: ${message}`)).toEqual([]);
		// The code stops at its first error, which belongs to the last block begun.
		if (error && log.entered.at(-1) === line) throw error;
		expect(log.entered, 'not reached: an earlier block failed').toContain(line);
	});

	it('compares every claim', () => {
		const claims = executed.flatMap(({ code }) => code.match(/\/\/ → /g) ?? []);
		expect(claims.length).toBeGreaterThan(0);
		expect(log.checked.length).toBe(claims.length);
	});
});

describe('the README', () => {
	it('type-checks', () => {
		const path = writeModule('types', readme);
		expect(typeErrorsOf(path, join(root, 'tsconfig.json'))).toEqual([]);
	}, 60_000);

	it('names npm scripts that exist', () => {
		const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
		const named = npmScriptsOf(blocks);
		expect(named).toEqual(expect.arrayContaining(['demo', 'test']));
		expect(named.filter((name) => !(name in scripts))).toEqual([]);
	});

	it('links to headings that exist', () => {
		const links = [...readme.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor);
		expect(links.length).toBeGreaterThan(0);
		expect(links.filter((anchor) => !headingAnchors(readme).includes(anchor ?? ''))).toEqual([]);
	});

	it.each([
		['sync-manager.ts', 'SyncManager'],
		['options.ts', 'SyncManagerOptions'],
		['core/types.ts', 'SyncConfig'],
		['core/types.ts', 'SyncResult'],
		['core/types.ts', 'ConflictStrategy'],
		['core/types.ts', 'FilterOperator'],
		['core/errors.ts', 'PixSyncErrorCode'],
		['sync-state.ts', 'SyncState'],
		['sync-state.ts', 'TableState'],
		['sync-state.ts', 'TableStateName'],
		['table-handle.ts', 'TableHandle'],
		['services/row-lookup.ts', 'RowState'],
		['inspect/sync-inspector.ts', 'SyncInspector'],
		['inspect/sync-inspector.ts', 'SyncInspectorOptions'],
	])('names all of src/%s: %s', (file, declaration) => {
		const code = [...readme.matchAll(/`[^`\n]+`|^```ts[\s\S]*?^```/gm)].join('\n');
		const isNamed = (name: string) => new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(code);
		expect(namesIn(join(root, 'src', file), declaration).filter((name) => !isNamed(name))).toEqual([]);
	});
});

describe('the harness', () => {
	const noSql = () => Promise.resolve();
	const fenced = (code: string) => `# Title\n\n\`\`\`ts\n${code}\n\`\`\`\n`;

	it('fails for a block that throws, and names the line', async () => {
		const { error, log } = await runDocument('throwing', fenced("throw new Error('no');"), noSql);
		expect(error).toMatchObject({ message: 'no', stack: expect.stringContaining('throwing.ts:4:') });
		expect(log.entered).toEqual([3]);
	});

	it('notes wrong claims of expressions, declarations and throws', async () => {
		const code = `
1 + 1; // → 2
1 + 1; // → 3
const pair = [1, { a: 2, b: 3 }];
// → [1, { a: 2, … }]
const other = Promise.resolve({ a: 1, b: 2 });
await other; // → { a: 1 }
await Promise.reject(Object.assign(new Error(), { code: 'this' })); // → throws that
await Promise.reject(Object.assign(new Error(), { code: 'this' })); // → throws this`;
		const { error, log } = await runDocument('wrong', fenced(code), noSql);
		expect(error).toBe(null);
		expect(log.checked).toEqual([5, 6, 8, 10, 11, 12]);
		expect(log.wrong).toEqual([
			{ line: 6, message: 'README says 3, but it is 2' },
			{ line: 10, message: 'README says { a: 1 }, but it is { a: 1, b: 2 }' },
			{ line: 11, message: 'README says that is thrown, but: this' },
		]);
	});

	it('refuses a claim behind nothing, and an open fence', () => {
		expect(() => writeModule('nothing', fenced('// → 2'))).toThrow('README.md:4: no statement');
		expect(() => toCodeBlocks('```ts\n1;')).toThrow('line 1');
	});

	it('runs SQL in its place', async () => {
		const ran: string[] = [];
		await runDocument('sql', '```sql\nselect 1;\n```\n', async (sql) => void ran.push(sql));
		expect(ran).toEqual(['select 1;']);
	});

	it('finds type errors', () => {
		const path = writeModule('untyped', fenced("const n: number = 'text';"));
		expect(typeErrorsOf(path, join(root, 'tsconfig.json'))).toEqual([
			expect.stringMatching(/^4: .*not assignable/),
		]);
	}, 60_000);

	it('reads … as what is left out', () => {
		expect(isAsClaimed([1, 2, 3], [1, '…'])).toBe(true);
		expect(isAsClaimed([], [1, '…'])).toBe(false);
		expect(isAsClaimed('a-long-text', 'a…text')).toBe(true);
		expect(isAsClaimed({ a: 1, b: undefined }, { a: 1 })).toBe(false);
		expect(isAsClaimed(null, { '…': true })).toBe(false);
	});
});
