import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { USAGE } from '../../src/cli/arguments.ts';
import { namesIn } from '../support/readme-names.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const section = /## Checking your tables: pixsync doctor[\s\S]*?\n## /.exec(readme)?.[0] ?? '';

it.each(['FindingCode', 'Severity', 'Finding', 'Diagnosis'])('the README names all of %s', (declaration) => {
	const names = namesIn(join(root, 'src/doctor/finding.ts'), declaration);
	expect(names.length).toBeGreaterThan(2);
	expect(names.filter((name) => !new RegExp(`(?<![\\w-])${name}(?![\\w-])`).test(section))).toEqual([]);
});

it('the README names the options of the command', () => {
	const options = [...USAGE.matchAll(/^ {2}(--\w+)/gm)].map(([, option = '']) => option);
	expect(options.length).toBeGreaterThan(4);
	expect(options.filter((option) => !section.includes(option))).toEqual([]);
});

it('the package has the command, and pg is no dependency of apps that never run it', () => {
	const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
	expect(manifest.bin).toEqual({ pixsync: './dist/cli.js' });
	expect(manifest.peerDependenciesMeta.pg).toEqual({ optional: true });
	expect(manifest.dependencies).not.toHaveProperty('pg');
});
