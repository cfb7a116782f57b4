import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

const METHODS = 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT';
const EXPOSED =
	'Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, Transfer-Encoding, Range-Unit';
const MAX_AGE_S = '3600';

/** On every answer, errors included: without them a browser sees a network failure in place of a status. */
export const corsHeaders: OutgoingHttpHeaders = {
	'access-control-allow-origin': '*',
	'access-control-expose-headers': EXPOSED,
};

/** Any header that the browser asks for is allowed. */
export function preflightHeaders(request: IncomingHttpHeaders): OutgoingHttpHeaders {
	return {
		...corsHeaders,
		'access-control-allow-methods': METHODS,
		'access-control-allow-headers': request['access-control-request-headers'] ?? '*',
		'access-control-max-age': MAX_AGE_S,
	};
}
