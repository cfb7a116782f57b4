import { decodeJwt } from 'jose';
import { type GatewayRequest, parseBody } from './gateway-exchange.ts';

/** One request that reached the gateway, in order of arrival. */
export interface LoggedRequest {
	readonly method: string;
	/** `/rest/v1/todos` */
	readonly path: string;
	/** With its question mark, or empty. Percent-encoded as sent. */
	readonly search: string;
	/** Arrival, epoch milliseconds. */
	readonly at: number;
	/** When the answer was sent; `null` as `status`. */
	readonly endedAt: number | null;
	readonly headers: {
		/** Claims of the token that the request acts under (of the API key when there is no other). Unverified. */
		readonly role?: string;
		readonly sub?: string;
		readonly prefer?: string;
		/** What a test's page calls itself. */
		readonly 'x-tab'?: string;
	};
	/** Rows sent: the length of a JSON array, 1 for any other body, 0 without one. */
	readonly bodyRows: number;
	/** What the client was sent; `null` while unanswered, and for good when the connection was destroyed. */
	readonly status: number | null;
	/** Rows answered, counted as {@link LoggedRequest.bodyRows}; `null` while `status` is. */
	readonly answeredRows: number | null;
}

export interface RequestLog {
	readonly entries: readonly LoggedRequest[];
	clear(): void;
	/** Adds an entry; the function returned completes it. */
	open(request: GatewayRequest): (answer: { readonly status: number; readonly body: Buffer }) => void;
}

export function createRequestLog(): RequestLog {
	let entries: LoggedRequest[] = [];
	return {
		get entries() {
			return entries;
		},
		clear() {
			entries = [];
		},
		open({ method, path, search, headers, body, bearer }) {
			const prefer = headers.prefer?.toString();
			const entry = {
				method,
				path,
				search,
				at: Date.now(),
				endedAt: null as number | null,
				headers: {
					...readClaims(bearer),
					...(prefer !== undefined && { prefer }),
					...(headers['x-tab'] !== undefined && { 'x-tab': headers['x-tab'].toString() }),
				},
				bodyRows: countRows(body),
				status: null as number | null,
				answeredRows: null as number | null,
			};
			entries.push(entry);
			return (answer) => {
				entry.endedAt = Date.now();
				entry.status = answer.status;
				entry.answeredRows = countRows(answer.body);
			};
		},
	};
}

function countRows(body: Buffer): number {
	const content = parseBody(body);
	if (content === undefined) return 0;
	return Array.isArray(content) ? content.length : 1;
}

function readClaims(token: string): LoggedRequest['headers'] {
	try {
		const { role, sub } = decodeJwt(token);
		return { ...(typeof role === 'string' && { role }), ...(sub !== undefined && { sub }) };
	} catch {
		return {};
	}
}
