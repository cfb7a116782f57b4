/** A fenced block of a Markdown file. */
export interface CodeBlock {
	/** The word behind the opening fence: `ts`, `sql`, `bash`, or none. */
	readonly language: string;
	/** Of the opening fence, from 1. */
	readonly line: number;
	/** Of the closing fence. */
	readonly endLine: number;
	readonly code: string;
}

/** All fenced blocks in order. Throws for a fence that is never closed. */
export function toCodeBlocks(markdown: string): readonly CodeBlock[] {
	const blocks: CodeBlock[] = [];
	let open: { readonly language: string; readonly line: number; readonly code: string[] } | null = null;
	markdown.split('\n').forEach((text, index) => {
		const fence = /^```(.*)$/.exec(text);
		if (!fence) open?.code.push(text);
		else if (!open) open = { language: (fence[1] ?? '').trim(), line: index + 1, code: [] };
		else {
			const { language, line, code } = open;
			blocks.push({ language, line, endLine: index + 1, code: code.join('\n') });
			open = null;
		}
	});
	const unclosed = open as { readonly line: number } | null;
	if (unclosed) throw new Error(`line ${unclosed.line}: this fence is never closed`);
	return blocks;
}

/** Names of the npm scripts that shell blocks run; `npm test` counts as `test`. */
export function npmScriptsOf(blocks: readonly CodeBlock[]): readonly string[] {
	return blocks
		.filter(({ language }) => language === 'bash' || language === 'sh')
		.flatMap(({ code }) => [...code.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)])
		.map(([, run, short]) => run ?? short ?? '');
}

/** The anchors that GitHub gives the headings of a Markdown file. */
export function headingAnchors(markdown: string): readonly string[] {
	const prose = markdown.replace(/^```[\s\S]*?^```/gm, '');
	return [...prose.matchAll(/^#{1,6} (.*)$/gm)].map(([, title = '']) =>
		title
			.toLowerCase()
			.replace(/[^\w\- ]/g, '')
			.replaceAll(' ', '-'),
	);
}
