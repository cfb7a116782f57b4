import { readFileSync } from 'node:fs';

const SOURCE = new URL('../../src/core/run-contract.ts', import.meta.url);

/** The declaration of an interface of the services' contract, as the code has it, or null if `name` is not one. */
export function readInterface(name: string): string | null {
	if (!/^[A-Z]\w*$/.test(name)) return null;
	const source = readFileSync(SOURCE, 'utf8');
	const declaration = new RegExp(`^export (interface ${name}\\b[\\s\\S]*?\\n\\})`, 'm').exec(source)?.[1];
	if (declaration === undefined) throw new Error(`The services' contract has no interface '${name}'.`);
	return declaration;
}

/** The declarations of several, and of those that they extend; each once, in the order of need. */
export function readInterfaces(names: readonly string[]): readonly string[] {
	const found = new Map<string, string>();
	const add = (name: string) => {
		const declaration = found.has(name) ? null : readInterface(name);
		if (declaration === null) return;
		const parent = /^interface \w+ extends (\w+)/.exec(declaration)?.[1];
		if (parent !== undefined) add(parent);
		found.set(name, declaration);
	};
	for (const name of names) add(name);
	return [...found.values()];
}
