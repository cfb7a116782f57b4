/**
 * The conditions that an SQL condition joins by AND at its top level, each as it is written. The text is one
 * that PostgreSQL wrote itself (`pg_get_expr`), which puts parentheses around everything that is compound.
 */
export function conjunctsOf(condition: string): readonly string[] {
	const inner = withoutParentheses(condition.trim());
	const parts = splitAtAnd(inner);
	return parts.length > 1 ? parts.flatMap(conjunctsOf) : [inner === condition.trim() ? inner : `(${inner})`];
}

/** Without the parentheses that enclose all of it. */
function withoutParentheses(text: string): string {
	if (!text.startsWith('(') || !text.endsWith(')')) return text;
	const outside = scan(text).filter(({ depth }, at) => depth === 0 && at < text.length - 1);
	return outside.length === 0 ? withoutParentheses(text.slice(1, -1).trim()) : text;
}

function splitAtAnd(text: string): readonly string[] {
	const chars = scan(text);
	const parts: string[] = [];
	let from = 0;
	for (let at = 0; at < text.length; at++) {
		if (chars[at]?.depth !== 0 || chars[at]?.isQuoted || !/^\sAND\s/.test(text.slice(at, at + 5))) continue;
		parts.push(text.slice(from, at).trim());
		from = at + 4;
	}
	return [...parts, text.slice(from).trim()];
}

/** For each character: how many parentheses are open behind it, and whether it stands inside quotes. */
function scan(text: string): readonly { readonly depth: number; readonly isQuoted: boolean }[] {
	let depth = 0;
	let quote: string | null = null;
	return Array.from({ length: text.length }, (_, at) => {
		const char = text[at] ?? '';
		if (quote !== null) {
			if (char === quote) quote = null;
			return { depth, isQuoted: true };
		}
		if (char === "'" || char === '"') {
			quote = char;
			return { depth, isQuoted: true };
		}
		if (char === '(') depth++;
		if (char === ')') depth--;
		return { depth, isQuoted: false };
	});
}
