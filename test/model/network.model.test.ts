import { describe, expect, it, vi } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { networkMachine } from '../../src/machines/network.machine.ts';
import { createCoverage, leavesOf } from '../support/model/chart-coverage.ts';
import { disagreements, everyEvent, expectedOf, kindsOf } from '../support/model/network-answers.ts';
import { observe, takeStep } from '../support/model/network-checks.ts';
import { openLedger } from '../support/model/network-ledger.ts';
import { toNetworkKey } from '../support/model/network-model.ts';
import { needsApp, networkPathsOf, walkNetworkPath } from '../support/model/network-path.ts';
import { startNetworkRun } from '../support/model/network-run.ts';
import { createVisits } from '../support/model/network-visits.ts';

const byMonitor = networkPathsOf('monitor');
const byApp = networkPathsOf('app').filter(needsApp);
const kinds = kindsOf([...byMonitor, ...byApp]);
const atMonitor = createCoverage();
const coverage = createCoverage();
const visits = createVisits();
let lateEnds = 0;

function inspectAll(event: InspectionEvent): void {
	coverage.inspect(event);
	visits.inspect(event);
}

describe('the network chart, path by path, in the real monitor', () => {
	it.each(byMonitor.map((path) => [path.title, path] as const))('[L5][F56][S31] %s', async (_, path) => {
		lateEnds += await walkNetworkPath(path, {
			inspect(event) {
				atMonitor.inspect(event);
				inspectAll(event);
			},
		});
	});
});

describe('the network chart, path by path, in an app with a probe of its own', () => {
	it.each(byApp.map((path) => [path.title, path] as const))('[L5][F56] %s', async (_, path) => {
		lateEnds += await walkNetworkPath(path, { inspect: inspectAll });
	});
});

describe('the network chart as a whole', () => {
	it('[L5] every transition was taken', () => {
		const total = coverage.total(networkMachine);
		const missing = coverage.missing(networkMachine);
		const paths = [...byMonitor, ...byApp];
		const steps = paths.reduce((sum, path) => sum + path.steps.length, 0);
		console.log(
			`network chart: ${paths.length} paths, ${steps} steps, ${total - missing.length} of ${total} transitions`,
		);
		expect(missing).toEqual([]);
	});

	it('[L5][F56] the monitor takes all of them but those of a probe that rejects: its own never does', () => {
		const missing = atMonitor.missing(networkMachine);
		const steps = byMonitor.reduce((sum, path) => sum + path.steps.length, 0);
		const total = atMonitor.total(networkMachine);
		console.log(
			`network chart: of these ${byMonitor.length} paths, ${steps} steps, ${total - missing.length} transitions in NetworkMonitor`,
		);
		expect(missing).toEqual([
			'network.online.doubted|xstate.error.actor.probe|0',
			'network.offline.probing|xstate.error.actor.probe|0',
		]);
	});

	it('[F56] probes that were aborted and answer late change nothing', () => {
		console.log(`network chart: ${lateEnds} late ends of probes`);
		expect(lateEnds).toBeGreaterThan(byMonitor.length / 10);
	});

	it('[L4] every state can be reached and left', () => {
		const states = [...leavesOf(networkMachine.root)].sort();
		console.log(`network chart: ${visits.entered.size} of ${states.length} states`);
		expect([...visits.entered].sort()).toEqual(states);
		expect([...visits.left].sort()).toEqual(states);
	});
});

describe('the network chart, state by event', () => {
	it.each(kinds.map((kind) => [kind.key, kind] as const))('[F56] %s: as the design has it', (_, kind) => {
		expect(disagreements(networkMachine, [kind])).toEqual([]);
	});

	it('[F56] in doubt without a probe any more, the browser’s "online" is believed', async () => {
		const start = { onLine: true, canProbe: true };
		const run = startNetworkRun('monitor', start);
		let ledger = openLedger(start);
		for (const name of ['probe.requested', 'probe gone', 'browser.online'] as const) {
			ledger = await takeStep(run, name, ledger);
		}
	});

	it('[F56][S31] what a state does not own changes nothing, and asks nobody', async () => {
		let negatives = 0;
		// Each end that is refused is told there.
		const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
		for (const { key, state, host, start, names } of kinds) {
			const run = startNetworkRun(host, start);
			let ledger = openLedger(start);
			for (const name of names) ledger = await takeStep(run, name, ledger);
			expect(toNetworkKey(run.snapshot)).toBe(key);
			const { snapshot } = run;
			const before = observe(run);
			for (const event of everyEvent()) {
				if (expectedOf(state, event.as) !== 'ignored') continue;
				// To XState an error that nobody takes ends the machine. The monitor's refuses forged ends; an app's is bare.
				if (host === 'app' && event.type.startsWith('xstate.error.')) continue;
				expect(snapshot.can(event as never), `${key} × ${event.as}`).toBe(false);
				run.host.actor.send(event);
				expect(run.snapshot, `${key} × ${event.as}`).toBe(snapshot);
				expect(observe(run), `${key} × ${event.as}`).toEqual(before);
				negatives++;
			}
			run.host.stop();
		}
		expect(warn).toHaveBeenCalled();
		warn.mockRestore();
		console.log(`network chart: ${negatives} negatives in ${kinds.length} kinds of states`);
		expect(negatives).toBeGreaterThan(kinds.length);
	});
});
