import type { RandomSource } from '../support/random-source.ts';
import type { SimReply } from './sim-server.ts';

/** What may become of a request; `ok` is none of the faults. */
export type NetworkFault =
	| 'ok'
	| 'drop'
	| 'lost-reply'
	| 'duplicate'
	| 'slow'
	| 'hang'
	| '401'
	| '402'
	| '429'
	| '500-serialization'
	| '500-recursion'
	| '503'
	| '504'
	| 'html'
	| 'truncated'
	| 'wrong-shape'
	| 'login-page';

/** Probabilities; what is left is `ok`. */
export type FaultRates = Partial<Readonly<Record<Exclude<NetworkFault, 'ok'>, number>>>;

/** A bad day: about one request in four goes wrong. */
export const BAD_DAY: FaultRates = {
	...{ drop: 0.03, 'lost-reply': 0.05, duplicate: 0.03, slow: 0.04, hang: 0.005 },
	...{ '401': 0.01, '402': 0.003, '429': 0.02, '500-serialization': 0.01, '500-recursion': 0.003 },
	...{ '503': 0.02, '504': 0.01, html: 0.01, truncated: 0.01, 'wrong-shape': 0.005, 'login-page': 0.005 },
};

export function drawFault(random: RandomSource, rates: FaultRates): NetworkFault {
	let rest = random.next();
	for (const [fault, rate] of Object.entries(rates)) {
		rest -= rate;
		if (rest < 0) return fault as NetworkFault;
	}
	return 'ok';
}

/** The answer of somebody on the way, without the server; null: the fault lets the request arrive. */
export function answerInstead(fault: NetworkFault): SimReply | null {
	const error = (status: number, code: string | null, headers: Record<string, string> = {}): SimReply => ({
		...{ status, headers },
		text: JSON.stringify({ message: `injected ${fault}`, ...(code ? { code } : {}) }),
	});
	switch (fault) {
		case '401':
			return error(401, 'PGRST303');
		case '402':
			return error(402, null);
		case '429':
			return error(429, null, { 'retry-after': '3' });
		case '500-serialization':
			return error(500, '40001');
		case '500-recursion':
			return error(500, '42P17');
		case '503':
			return error(503, null);
		case '504':
			return { status: 504, headers: {}, text: '<html>gateway timeout</html>' };
		case 'html':
			return { status: 200, headers: {}, text: '<html>Welcome to the hotel</html>' };
		case 'login-page':
			return { status: 401, headers: {}, text: '<html>Sign in</html>' };
		default:
			return null;
	}
}

/** An answer that was spoilt on the way back. */
export function spoil(fault: NetworkFault, reply: SimReply): SimReply {
	if (fault === 'truncated')
		return { ...reply, text: reply.text.slice(0, Math.max(1, reply.text.length - 2)) };
	if (fault === 'wrong-shape') return { ...reply, text: '{"data":[]}' };
	return reply;
}
