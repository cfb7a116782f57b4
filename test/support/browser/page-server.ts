import { build } from 'esbuild';
import { type LocalServer, startLocalServer } from './local-server.ts';

export interface PageOptions {
	/** The script's source file; bundled with all that it imports. */
	readonly script: string;
	readonly body?: string;
	/** Value of the header `Content-Security-Policy`. @default none */
	readonly policy?: string;
}

const SCRIPT_PATH = '/page.js';

/** A page with one bundled script. */
export async function servePage({ script, body = '', policy }: PageOptions): Promise<LocalServer> {
	const { outputFiles } = await build({
		entryPoints: [script],
		bundle: true,
		format: 'esm',
		platform: 'browser',
		target: 'es2022',
		define: { 'process.env.NODE_ENV': '"production"' },
		write: false,
	});
	const code = outputFiles[0]?.contents ?? new Uint8Array();
	const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Page</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/page.css"></head><body>${body}<script type="module" src="${SCRIPT_PATH}"></script></body></html>`;
	const replies: Readonly<Record<string, readonly [type: string, content: string | Uint8Array]>> = {
		'/': ['text/html; charset=utf-8', html],
		'/page.css': ['text/css', 'body { margin: 0 }'],
		[SCRIPT_PATH]: ['text/javascript', code],
	};
	return startLocalServer(({ url = '/' }, response) => {
		const reply = replies[url.split('?')[0] ?? '/'];
		if (!reply) return void response.writeHead(404).end();
		const [type, content] = reply;
		response.writeHead(200, {
			'content-type': type,
			...(policy ? { 'content-security-policy': policy } : {}),
		});
		response.end(content);
	});
}
