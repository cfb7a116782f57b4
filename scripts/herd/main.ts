// Runs the herd, prints its tables, and writes them to docs/scale.md and docs/scale.svg below the working directory.
// With `--check` it writes nothing, and ends with 1 if they differ. `--devices N`, `--seed N`: of another herd.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { PAGE_PATH, PLOT_PATH, toGenerated, withGenerated } from './page.ts';
import { renderOutages } from './part-outage.ts';
import { renderSizing } from './part-sizing.ts';
import { PAGE_PLAN, type Plan } from './scenarios.ts';

const { values } = parseArgs({
	options: { devices: { type: 'string' }, seed: { type: 'string' }, check: { type: 'boolean' } },
});
const plan: Plan = {
	devices: toWhole(values.devices, PAGE_PLAN.devices),
	seed: toWhole(values.seed, PAGE_PLAN.seed),
};

const outages = renderOutages(plan);
const generated = toGenerated(plan, [outages.text, renderSizing(plan)]);
console.log(generated);

const page = readFileSync(PAGE_PATH, 'utf8');
const next = withGenerated(page, generated);
const plot = existsSync(PLOT_PATH) ? readFileSync(PLOT_PATH, 'utf8') : '';
if (!values.check) {
	writeFileSync(PAGE_PATH, next);
	writeFileSync(PLOT_PATH, outages.svg);
} else if (next !== page || outages.svg !== plot) {
	console.error(`${PAGE_PATH} or ${PLOT_PATH} is out of date: run \`npx tsx scripts/herd/main.ts\`.`);
	process.exitCode = 1;
}

function toWhole(text: string | undefined, fallback: number): number {
	if (text === undefined) return fallback;
	const value = Number(text);
	if (Number.isInteger(value) && value > 0) return value;
	throw new Error(`Not a whole number above 0: ${text}`);
}
