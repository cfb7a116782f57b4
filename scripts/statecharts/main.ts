// Writes docs/statecharts and the drawings from the machines, below the working directory. With `--check` it writes
// nothing, and ends with 1 if a file is not what the machines say.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findDrift, generateOutputs } from './outputs.ts';

const ROOT = process.cwd();

const outputs = await generateOutputs();
const drift = findDrift(outputs, ROOT);
if (process.argv.includes('--check')) {
	for (const line of drift) console.error(line);
	if (drift.length > 0) console.error('Run `npm run docs:statecharts` and commit what it writes.');
	process.exitCode = drift.length > 0 ? 1 : 0;
} else {
	for (const [path, text] of outputs) {
		mkdirSync(dirname(join(ROOT, path)), { recursive: true });
		writeFileSync(join(ROOT, path), text);
	}
	console.log(drift.length > 0 ? drift.join('\n') : 'Nothing has changed.');
}
