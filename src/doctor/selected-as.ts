/** How a top-level column of PostgREST's `select` comes: as it is, as text, or not at all. */
export function selectedAs(select: string, column: string): 'number' | 'text' | 'absent' {
	const casts = partsOf(select).flatMap((part) => {
		const [path = '', cast = null] = part.split('::');
		const name = path.split(':').at(-1)?.trim().replaceAll('"', '');
		return name === column || name === '*' ? [name === '*' ? null : cast] : [];
	});
	if (casts.length === 0) return 'absent';
	return casts.some((cast) => cast === 'text') ? 'text' : 'number';
}

/** Without what is embedded: `id, author:users(name)` → `id`, `author:users`. */
function partsOf(select: string): readonly string[] {
	let flat = select;
	for (let outer = ''; outer !== flat; ) {
		outer = flat;
		flat = flat.replace(/\([^()]*\)/g, '');
	}
	return flat.split(',').map((part) => part.trim());
}
