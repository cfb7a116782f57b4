/** Whether the server is within reach. */
export type Probe = (signal: AbortSignal) => Promise<boolean>;

export interface ProbeOptions {
	readonly fetch: typeof globalThis.fetch;
	/** A cheap address of the REST origin that answers in JSON; read at each probe. */
	readonly url: () => string;
	/** Such as `apikey`; read at each probe. */
	readonly headers: () => HeadersInit;
	/** For the whole of it, body included, in ms. */
	readonly timeoutMs: number;
}

/** PostgREST's errors and its OpenAPI description, Kong's and GoTrue's errors. */
const SERVER_KEYS = ['message', 'msg', 'code', 'swagger', 'openapi', 'paths'] as const;

/**
 * Asks the server once. `true` if the body is one that PostgREST or Supabase's gateway would send, whatever the
 * status: a refusal comes from the server too. A captive portal's page, silence, a failed look-up: `false`.
 * Never rejects, and ends in time even if `fetch` ignores its signal.
 */
export function createProbe(options: ProbeOptions): Probe {
	// Not `options.fetch(…)`: the browser's refuses to run as a method of anything but the global.
	const { fetch, url, headers, timeoutMs } = options;

	return async (signal) => {
		if (signal.aborted) return false;
		const controller = new AbortController();
		const abort = () => controller.abort();
		const timer = setTimeout(abort, timeoutMs);
		signal.addEventListener('abort', abort);
		const aborted = new Promise<false>((resolve) => {
			controller.signal.addEventListener('abort', () => resolve(false));
		});

		const ask = async () => {
			const response = await fetch(url(), {
				cache: 'no-store',
				headers: headers(),
				signal: controller.signal,
			});
			return isServerBody(JSON.parse(await response.text()));
		};

		try {
			return await Promise.race([ask(), aborted]);
		} catch {
			return false;
		} finally {
			clearTimeout(timer);
			signal.removeEventListener('abort', abort);
		}
	};
}

function isServerBody(body: unknown): boolean {
	if (Array.isArray(body)) return true;
	if (typeof body !== 'object' || body === null) return false;
	return SERVER_KEYS.some((key) => key in body);
}
