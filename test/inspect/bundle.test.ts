import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const src = join(import.meta.dirname, '../../src');

/** The files that an app's bundle of an entry holds. */
async function filesOf(entry: string): Promise<readonly string[]> {
	const { metafile } = await build({
		entryPoints: [join(src, entry)],
		bundle: true,
		format: 'esm',
		platform: 'browser',
		metafile: true,
		write: false,
		external: ['dexie', 'xstate'],
	});
	const [output] = Object.values(metafile.outputs);
	const inputs = Object.entries(output?.inputs ?? {}).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
	return [...inputs.map(([path]) => path), ...(output?.imports ?? []).map(({ path }) => path)];
}

describe('what an app pays', () => {
	it('the main entry holds nothing of the inspector', async () => {
		const files = await filesOf('index.ts');
		expect(files.length).toBeGreaterThan(30);
		expect(files.filter((path) => path.includes('src/inspect/'))).toEqual([]);
	});

	it('the inspector needs no package at run time, and brings no engine along', async () => {
		const files = await filesOf('inspect/index.ts');
		expect(files).toEqual(expect.arrayContaining([expect.stringContaining('src/inspect/panel/panel.ts')]));
		expect(files.filter((path) => !path.includes('src/'))).toEqual([]);
		expect(files.filter((path) => path.includes('src/services/'))).toEqual([]);
	});
});
