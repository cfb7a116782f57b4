import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { type LocalServer, startLocalServer } from './local-server.ts';

const TYPES: Readonly<Record<string, string>> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript',
	'.css': 'text/css',
	'.map': 'application/json',
};

/** Serves a folder; `/` is its index.html. */
export async function serveFolder(folder: string): Promise<LocalServer> {
	return startLocalServer(async ({ url = '/' }, response) => {
		const path = normalize(join(folder, decodeURIComponent(url.split('?')[0] ?? '/')));
		const file = path.endsWith(sep) ? join(path, 'index.html') : path;
		const content = file.startsWith(folder) ? await readFile(file).catch(() => null) : null;
		if (!content) return void response.writeHead(404).end();
		response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
		response.end(content);
	});
}
