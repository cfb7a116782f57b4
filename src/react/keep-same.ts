import { isSameJson } from '../core/json.ts';

/**
 * `next`, with all that is the same as before being the same object: React then has nothing to render. Elements of a
 * list are told by `keyOf`, so that a row that only moved stays the same row.
 */
export function keepSame<T>(before: T | undefined, next: T, keyOf: (element: unknown) => unknown): T {
	if (before === undefined) return next;
	if (!Array.isArray(before) || !Array.isArray(next)) return isSameJson(before, next) ? before : next;
	const known = new Map(before.map((element): [unknown, unknown] => [keyOf(element), element]));
	let isSame = before.length === next.length;
	const kept = next.map((element: unknown, at) => {
		const former = known.get(keyOf(element));
		const own = former !== undefined && isSameJson(former, element) ? former : element;
		if (own !== before[at]) isSame = false;
		return own;
	});
	return isSame ? before : (kept as T);
}
