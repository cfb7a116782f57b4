/** The items in lists of at most `size`, in order. */
export function chunk<T>(items: readonly T[], size: number): readonly T[][] {
	return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
		items.slice(at * size, (at + 1) * size),
	);
}
