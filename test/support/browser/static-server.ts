import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript',
	'.css': 'text/css',
	'.map': 'application/json',
};

export interface StaticServer {
	/** `http://127.0.0.1:<port>/` */
	readonly url: string;
	stop(): Promise<void>;
}

/** Serves a folder, on this machine alone; `/` is its index.html. */
export async function serveFolder(folder: string): Promise<StaticServer> {
	const server = createServer(async ({ url = '/' }, response) => {
		const path = normalize(join(folder, decodeURIComponent(url.split('?')[0] ?? '/')));
		const file = path.endsWith(sep) ? join(path, 'index.html') : path;
		const content = file.startsWith(folder) ? await readFile(file).catch(() => null) : null;
		if (!content) return void response.writeHead(404).end();
		response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream' });
		response.end(content);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('the server has no port');
	return {
		url: `http://127.0.0.1:${address.port}/`,
		async stop() {
			const closed = once(server, 'close');
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
}
