import ts from 'typescript';
import { type CodeBlock, toCodeBlocks } from './readme-blocks.ts';

export interface ReadmeModuleOptions {
	/** Names the recorder; see `createRecorder`. */
	readonly name: string;
	/** What the README imports → what to import instead, as seen from the generated file. */
	readonly imports: Readonly<Record<string, string>>;
	/** Module specifier of readme-claims.ts, as seen from the generated file. */
	readonly claims: string;
}

interface Claim {
	/** From 1. */
	readonly line: number;
	readonly text: string;
	/** Offset of the comment. */
	readonly at: number;
}

interface Edit {
	readonly from: number;
	readonly to: number;
	readonly text: string;
}

/**
 * All `ts` blocks of a README as one module: a later block sees what an earlier one declared, as a reader does,
 * and SQL blocks run where they stand. Line n of the module is line n of the README, so that every error names
 * the right place. A comment `// → value` behind a statement, or alone on the next line, is compared with the
 * statement's value; `// → throws code` with what it throws. Throws for a claim that stands behind nothing.
 */
export function toReadmeModule(markdown: string, options: ReadmeModuleOptions): string {
	const source = blankProse(markdown);
	const file = ts.createSourceFile('readme.ts', source, ts.ScriptTarget.ES2022, true);
	const edits = [
		...redirectImports(file, options.imports),
		...claimsOf(source).map((claim) => toEdit(file, claim)),
	];
	const prelude = `import { recorderOf as __recorderOf } from '${options.claims}'; const __readme = __recorderOf('${options.name}');`;
	return `${prelude}${applyEdits(source, edits)}\nexport {};\n`;
}

/** The `ts` code alone, at its own lines; fences become calls of the recorder. */
function blankProse(markdown: string): string {
	const blocks = toCodeBlocks(markdown);
	const byFence = new Map<number, CodeBlock>(blocks.map((block) => [block.line, block]));
	const code = new Map<number, string>();
	for (const { language, line, code: text } of blocks) {
		if (language !== 'ts') continue;
		for (const [index, part] of text.split('\n').entries()) code.set(line + 1 + index, part);
	}
	return markdown
		.split('\n')
		.map((_, index) => {
			const block = byFence.get(index + 1);
			if (block?.language === 'ts') return `__readme.enter(${block.line});`;
			if (block?.language === 'sql') return `await __readme.sql(${block.line});`;
			return code.get(index + 1) ?? '';
		})
		.join('\n');
}

function redirectImports(file: ts.SourceFile, imports: ReadmeModuleOptions['imports']): Edit[] {
	return file.statements.filter(ts.isImportDeclaration).flatMap(({ moduleSpecifier }) => {
		const target = ts.isStringLiteral(moduleSpecifier) ? imports[moduleSpecifier.text] : undefined;
		if (target === undefined) return [];
		return [{ from: moduleSpecifier.getStart(), to: moduleSpecifier.end, text: `'${target}'` }];
	});
}

/** A claim goes on over lines whose comment is indented by three spaces or more. */
function claimsOf(source: string): Claim[] {
	const claims: Claim[] = [];
	let offset = 0;
	const lines = source.split('\n');
	lines.forEach((text, index) => {
		const column = text.indexOf('// → ');
		if (column !== -1) {
			let claim = text.slice(column + '// → '.length);
			for (let next = index + 1; ; next++) {
				const more = /^\s*\/\/ {3,}(.*)$/.exec(lines[next] ?? '');
				if (!more) break;
				claim += ` ${more[1]}`;
			}
			claims.push({ line: index + 1, text: claim.trim(), at: offset + column });
		}
		offset += text.length + 1;
	});
	return claims;
}

function toEdit(file: ts.SourceFile, { line, text, at }: Claim): Edit {
	const statement = statementBefore(file, at);
	if (!statement) throw new Error(`README.md:${line}: no statement ends before this claim`);
	const [from, to] = [statement.getStart(), statement.end];
	const code = file.text.slice(from, to);
	const thrown = /^throws ([\w-]+)$/.exec(text);
	if (thrown) {
		return { from, to, text: `await __readme.throws(${line}, async () => { ${code} }, '${thrown[1]}');` };
	}
	const expected = `() => (${fillGaps(text)})`;
	if (ts.isExpressionStatement(statement)) {
		const expression = statement.expression.getText();
		return { from, to, text: `__readme.claim(${line}, ${expression}, ${expected});` };
	}
	const [declaration] = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [];
	if (!declaration || !ts.isIdentifier(declaration.name)) {
		throw new Error(`README.md:${line}: a claim needs an expression, or a declaration of one name`);
	}
	return { from, to, text: `${code} __readme.claim(${line}, ${declaration.name.text}, ${expected});` };
}

/** The innermost statement with nothing but space between its end and `at`. */
function statementBefore(file: ts.SourceFile, at: number): ts.Statement | null {
	let found: ts.Statement | null = null;
	function visit(node: ts.Node): void {
		if (node.pos > at) return;
		const isBefore = node.end <= at && file.text.slice(node.end, at).trim() === '';
		const isCode = ts.isExpressionStatement(node) || ts.isVariableStatement(node);
		if (isBefore && isCode && !node.getText().startsWith('__readme.')) found = node;
		ts.forEachChild(node, visit);
	}
	visit(file);
	return found;
}

/** `…` outside of a text as something that JavaScript can hold: `isAsClaimed` knows it again. */
function fillGaps(claim: string): string {
	const around: string[] = [];
	return claim.replace(/'[^']*'|[[{(\])}…]/g, (found) => {
		if ('[{('.includes(found)) around.push(found);
		else if (')}]'.includes(found)) around.pop();
		if (found !== '…') return found;
		return around.at(-1) === '{' ? "'…': true" : "'…'";
	});
}

function applyEdits(source: string, edits: readonly Edit[]): string {
	return [...edits]
		.sort((a, b) => b.from - a.from)
		.reduce((text, edit) => text.slice(0, edit.from) + edit.text + text.slice(edit.to), source);
}
