const MAX_NAME_BYTES = 63;

/** A name in SQL, always quoted: it may be mixed case or a keyword. */
export function quoteName(name: string): string {
	return `"${name.replaceAll('"', '""')}"`;
}

/** A text constant in SQL, in any setting of `standard_conforming_strings`. */
export function quoteText(text: string): string {
	const quoted = `'${text.replaceAll("'", "''")}'`;
	return quoted.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

export function qualifiedName(schema: string, name: string): string {
	return `${quoteName(schema)}.${quoteName(name)}`;
}

/** A name that PostgreSQL does not cut; of two long ones that begin alike, two different ones. */
export function toShortName(name: string): string {
	const encoder = new TextEncoder();
	if (encoder.encode(name).length <= MAX_NAME_BYTES) return name;
	let kept = name;
	while (encoder.encode(kept).length > MAX_NAME_BYTES - 9) kept = [...kept].slice(0, -1).join('');
	return `${kept}_${hashOf(name)}`;
}

/** A statement that is run only while the condition holds, so that a script may be run twice. */
export function runIf(condition: string, statement: string): string {
	return `do $pixsync$ begin\n\tif ${condition} then\n\t\t${statement}\n\tend if;\nend $pixsync$;`;
}

/** FNV-1a, 32 bits, in hex. */
function hashOf(text: string): string {
	let hash = 0x811c9dc5;
	for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
	return hash.toString(16).padStart(8, '0');
}
