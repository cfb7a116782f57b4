import { assertKept, fromCommand, randomCase, runCase, toCommand } from './sim-case.ts';
import type { Counters } from './world.ts';

/**
 * `npm run soak -- --minutes 30 [--from SEED]`: random programs of growing length, each also killed at a random point.
 * `npm run soak -- --seed … --story …`: one case again, with its trace.
 */
const args = process.argv.slice(2);
const option = (name: string) => {
	const at = args.indexOf(`--${name}`);
	return at === -1 ? undefined : args[at + 1];
};

if (args.includes('--story')) await replay();
else await soak(Number(option('minutes') ?? 1), Number(option('from') ?? Date.now() % 1_000_000_000));

async function replay(): Promise<void> {
	const given = fromCommand(args);
	const result = await runCase(given);
	console.log(result.trace.join('\n'));
	console.log(`${result.points} points, trace ${result.traceHash}`);
	assertKept(given, result);
	console.log('All promises kept.');
}

async function soak(minutes: number, from: number): Promise<void> {
	const end = performance.now() + minutes * 60_000;
	const sum: Record<string, number> = {};
	let runs = 0;
	let failed = 0;
	console.log(`soak: ${minutes} minutes from seed ${from}`);
	for (let seed = from; performance.now() < end; seed++) {
		const whole = randomCase(seed, 4 + (seed % 36));
		const first = await runCase(whole);
		// The same again, cut off somewhere before the healing, in which nobody dies.
		const kills = [1 + (seed % Math.max(1, first.faultyPoints))];
		for (const [given, result] of [
			[whole, first] as const,
			[{ ...whole, kills }, await runCase({ ...whole, kills })] as const,
		]) {
			runs++;
			add(sum, result.counters);
			const [violation] = result.violations;
			if (!violation) continue;
			failed++;
			console.error(`[${violation.invariant}] ${violation.message}\n  ${toCommand(given)}`);
		}
	}
	console.log(JSON.stringify(sum, null, 1));
	console.log(`${runs} runs, ${failed} failed, seeds from ${from}`);
	if (failed > 0) process.exitCode = 1;
}

function add(sum: Record<string, number>, counters: Counters): void {
	for (const [name, count] of Object.entries(counters)) sum[name] = (sum[name] ?? 0) + count;
}
