import { describe, expect, it } from 'vitest';
import { createMachine } from 'xstate';
import { networkMachine } from '../../src/machines/network.machine.ts';
import { disagreements, kindsOf } from '../support/model/network-answers.ts';
import type { Observed } from '../support/model/network-checks.ts';
import { type NetworkPath, networkPathsOf, walkNetworkPath } from '../support/model/network-path.ts';

type Chart = typeof networkMachine;

interface StateConfig {
	readonly on: Record<string, unknown>;
	readonly states: Record<string, StateConfig>;
}

interface Failure {
	readonly path: NetworkPath;
	/** Of an assertion on all that can be seen. */
	readonly error: Error & { readonly actual: Observed; readonly expected: Observed };
}

const paths = networkPathsOf('monitor');
const kinds = kindsOf(paths);

/** The first path that the planted fault fails in the real monitor, of those that the shipping chart passes. */
async function failureOf(chart: Chart): Promise<Failure> {
	for (const path of paths) {
		try {
			await walkNetworkPath(path, { chart });
		} catch (error) {
			return { path, error: error as Failure['error'] };
		}
	}
	throw new Error('no path fails: the fault is not caught');
}

/** The chart with its configuration changed, as if its source were. */
function edited(change: (states: Record<string, StateConfig>) => void): Chart {
	const config = cloneWithFunctions(networkMachine.config) as StateConfig;
	change(config.states);
	return createMachine(config as never, networkMachine.implementations as never) as unknown as Chart;
}

function cloneWithFunctions(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(cloneWithFunctions);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, cloneWithFunctions(child)]));
}

describe('faults planted in the network chart are caught', () => {
	it('[M3] the unharmed copy passes, so that it is the fault that is caught', async () => {
		const copy = edited(() => undefined);
		expect(disagreements(copy, kinds)).toEqual([]);
		const [first] = paths;
		for (const path of paths) if (path.start === first?.start) await walkNetworkPath(path, { chart: copy });
	});

	it('[M3] a transition removed: paused does not take probe.requested', async () => {
		const mutant = edited(({ offline }) => {
			delete offline?.states.paused?.on['probe.requested'];
		});
		expect(disagreements(mutant, kinds)).toContain(
			'offline.paused, browser offline × probe.requested: ignored instead of offline.probing',
		);
		const { path, error } = await failureOf(mutant);
		console.log(`planted, transition removed: fails ${path.title}`);
		expect(error.message).toContain('probe.requested in offline.paused');
	});

	it('[M3] a guard inverted: what the probe finds is taken for its opposite', async () => {
		const mutant = networkMachine.provide({ guards: { isReachable: (_, { reachable }) => !reachable } });
		expect(disagreements(mutant, kinds)).toContain(
			'online.doubted × probe reachable: offline.waiting instead of online.trusted',
		);
		const { path, error } = await failureOf(mutant);
		console.log(`planted, guard inverted: fails ${path.title}`);
		expect(error.message).toMatch(/^probe (un)?reachable in /);
	});

	it('[M3][F57] an action lost: the states are right, but the app never hears how long requests take', async () => {
		const mutant = networkMachine.provide({ actions: { measure: () => undefined } });
		// Comparing states alone would not see it.
		expect(disagreements(mutant, kinds)).toEqual([]);
		const { path, error } = await failureOf(mutant);
		console.log(`planted, action lost: fails ${path.title}`);
		expect(error.message).toContain('request.answered in ');
		const { actual, expected } = error;
		expect(actual.state).toBe(expected.state);
		expect([actual.status.rtt, expected.status.rtt]).toEqual([undefined, 50]);
	});

	it('[M3][F38] an action lost: the states are right, but the server is asked each second', async () => {
		const mutant = networkMachine.provide({ actions: { countAttempt: () => undefined } });
		expect(disagreements(mutant, kinds)).toEqual([]);
		const { path, error } = await failureOf(mutant);
		console.log(`planted, waits that do not grow: fails ${path.title}`);
		expect(path.title).toContain('wait over');
		expect(error.message).toMatch(/^wait over(:| in .* early:)/);
	});

	it('[M3][S31] a timer while trusted: the states are right, but a quiet app does not sleep', async () => {
		const mutant = edited(({ online }) => {
			Object.assign(online?.states.trusted ?? {}, { after: { recheckDelay: {} } });
		});
		const { path, error } = await failureOf(mutant);
		console.log(`planted, a timer while trusted: fails ${path.title}`);
		const { actual, expected } = error;
		expect(actual.state).toBe('online.trusted');
		expect(actual).toEqual({ ...expected, timers: 1 });
	});
});
