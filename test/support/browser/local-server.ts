import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

/** A server that this machine alone can reach, on a free port. */
export interface LocalServer {
	/** `http://127.0.0.1:<port>/` */
	readonly url: string;
	/** Destroys all connections. */
	stop(): Promise<void>;
}

export async function startLocalServer(respond: RequestListener): Promise<LocalServer> {
	const server = createServer(respond);
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
