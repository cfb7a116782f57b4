import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Below every system's ephemeral range, so no outgoing connection takes the port between the probe here and
 * the server's own bind.
 */
const FIRST = 15_000;
const LAST = 32_000;
const ATTEMPTS = 50;

/**
 * A TCP port of 127.0.0.1 that the operating system says is free. It is only probed, not reserved: another
 * process can still take it, so a caller that fails to bind asks for another.
 */
export async function freePort(): Promise<number> {
	for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
		const port = randomInt(FIRST, LAST);
		if (await canBind(port)) return port;
	}
	throw new Error(`no free port of 127.0.0.1 between ${FIRST} and ${LAST} in ${ATTEMPTS} tries`);
}

function canBind(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = createServer();
		probe.once('error', () => resolve(false));
		probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
	});
}
