import { afterEach, describe, expect, it, vi } from 'vitest';
import { toPlatform } from '../../src/services/platform.ts';
import type { RequestEnd } from '../../src/services/rest/http.ts';
import { specOf } from '../support/mutations.ts';
import { connectRest } from '../support/rest-remote.ts';

afterEach(() => vi.unstubAllGlobals());

const ROWS = [{ id: 'a', updated_at: '2026-01-02T03:04:05+00:00' }];
const spec = specOf({ table: 'notes' });
const { signal } = new AbortController();

type Answer = (method: string) => Response | Error;

/** A server of one table, which is asked for by who expects nothing in it. */
function ask(answer: Answer) {
	const asked: string[] = [];
	const caches: unknown[] = [];
	const ends: RequestEnd[] = [];
	const remote = connectRest(
		{ url: 'http://nowhere.test', anonKey: 'anon' },
		{
			onEnd: (end) => ends.push(end),
			fetch: async (input, init = {}) => {
				const method = init.method ?? 'GET';
				asked.push(`${method} ${new URL(String(input)).search}`);
				caches.push(init.cache);
				const given = answer(method);
				if (given instanceof Error) throw given;
				return given;
			},
		},
	);
	const pull = () =>
		remote.pull({ spec, start: null, limit: 10, keysOnly: false, expectsNone: true }, signal);
	const methods = () => asked.splice(0).map((line) => line.split(' ')[0]);
	return { asked, caches, ends, pull, methods };
}

const rows = () => Response.json(ROWS, { headers: { 'content-range': '0-0/*' } });
const look = (range: string | null, status = 200) =>
	new Response(null, { status, headers: range === null ? {} : { 'content-range': range } });

describe('a look before rows are asked for', () => {
	it('is the very same question, and enough where it tells of no row', async () => {
		const { asked, caches, ends, pull } = ask((method) => (method === 'HEAD' ? look('*/*') : rows()));
		expect(await pull()).toMatchObject({ rows: [], isHead: true });
		expect(asked).toEqual(['HEAD ?select=*&order=updated_at.asc,id.asc&limit=10']);
		// Any other mode, and Chromium asks leave anew each time.
		expect(caches).toEqual([undefined]);
		expect(ends).toMatchObject([{ answered: true, status: 200, method: 'HEAD' }]);
	});

	it('is followed by the rows that it tells of', async () => {
		for (const range of ['0-0/*', '0-0/1', '0-999/5000']) {
			const { asked, pull } = ask((method) => (method === 'HEAD' ? look(range) : rows()));
			expect((await pull()).rows).toEqual(ROWS);
			expect((await pull()).rows).toEqual(ROWS);
			const query = '?select=*&order=updated_at.asc,id.asc&limit=10';
			expect(asked).toEqual([`HEAD ${query}`, `GET ${query}`, `HEAD ${query}`, `GET ${query}`]);
		}
	});

	it('that tells nothing, though rows are given then, is taken twice in a row and never again', async () => {
		const silent: readonly (() => Response)[] = [
			() => look(null),
			() => look('bytes 0-0/9'),
			() => look('', 204),
			() => look('*/*', 405),
			() => look(null, 501),
		];
		for (const told of silent) {
			const { ends, methods, pull } = ask((method) => (method === 'HEAD' ? told() : rows()));
			for (let time = 1; time <= 3; time++) expect((await pull()).rows).toEqual(ROWS);
			expect(methods()).toEqual(['HEAD', 'GET', 'HEAD', 'GET', 'GET']);
			expect(ends).toMatchObject([1, 2, 3].map(() => ({ answered: true, method: 'GET' })));
		}
	});

	it('that tells nothing once is an accident', async () => {
		let looks = 0;
		const { methods, pull } = ask((method) => {
			if (method === 'GET') return rows();
			return ++looks % 2 === 1 ? look(null, 500) : look('*/*');
		});
		for (let time = 1; time <= 6; time++) await pull();
		expect(methods()).toEqual(['HEAD', 'GET', 'HEAD', 'HEAD', 'GET', 'HEAD', 'HEAD', 'GET', 'HEAD']);
	});

	it('[F56] is not believed where a stranger answers', async () => {
		const { ends, methods, pull } = ask(() => new Response('<html>Welcome to the hotel</html>'));
		await expect(pull()).rejects.toMatchObject({ code: 'bad-reply', fault: 'no-answer' });
		expect(ends).toMatchObject([{ answered: false, method: 'GET' }]);
		expect(methods()).toEqual(['HEAD', 'GET']);
	});

	it('[S22] leaves it to the answer with a body to say what is wrong, and is taken again then', async () => {
		let isRefused = true;
		const { methods, pull } = ask((method) => {
			if (!isRefused) return method === 'HEAD' ? look('*/*') : rows();
			return method === 'HEAD'
				? look(null, 401)
				: Response.json({ code: 'PGRST303', message: 'JWT expired' }, { status: 401 });
		});
		await expect(pull()).rejects.toMatchObject({ code: 'PGRST303', fault: 'unauthorised' });
		expect(methods()).toEqual(['HEAD', 'GET']);
		isRefused = false;
		expect(await pull()).toMatchObject({ rows: [], isHead: true });
		expect(methods()).toEqual(['HEAD']);
	});

	it('that nobody answers is followed by no other request; the next pull asks for rows', async () => {
		let isLinkDown = true;
		const { ends, methods, pull } = ask((method) => {
			if (isLinkDown || method === 'HEAD') return new TypeError('fetch failed');
			return rows();
		});
		await expect(pull()).rejects.toMatchObject({ code: 'network', fault: 'no-answer' });
		await expect(pull()).rejects.toMatchObject({ code: 'network', fault: 'no-answer' });
		expect(methods()).toEqual(['HEAD', 'GET']);
		expect(ends).toMatchObject([1, 2].map(() => ({ answered: false, status: null })));
		// Somebody on the way lets no HEAD through.
		isLinkDown = false;
		expect((await pull()).rows).toEqual(ROWS);
		await expect(pull()).rejects.toMatchObject({ code: 'network' });
		for (let time = 1; time <= 2; time++) expect((await pull()).rows).toEqual(ROWS);
		expect(methods()).toEqual(['GET', 'HEAD', 'GET', 'GET']);
	});

	it('[F30] that is put off is not followed by another request', async () => {
		for (const status of [429, 503]) {
			const { methods, pull } = ask(() => new Response(null, { status, headers: { 'retry-after': '7' } }));
			await expect(pull()).rejects.toMatchObject({ code: `http-${status}`, retryAfterMs: 7_000 });
			expect(methods()).toEqual(['HEAD']);
		}
	});
});

it('leave is asked in a page of another origin alone', () => {
	const { asksLeave } = toPlatform();
	expect(asksLeave('https://project.supabase.co/rest/v1')).toBe(false);
	for (const [origin, expected] of [
		['https://app.example', true],
		// A page from a file, as in Electron.
		['null', true],
		['https://project.supabase.co', false],
	] as const) {
		vi.stubGlobal('location', { origin });
		expect(asksLeave('https://project.supabase.co/rest/v1')).toBe(expected);
	}
});
