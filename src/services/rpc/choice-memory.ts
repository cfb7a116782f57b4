import type { LocalStore } from '../local-store.ts';
import type { ChoiceMemory } from './function-choice.ts';

/** Keeps it in the user's own database: whether a function may be called is another thing for another user. */
export function createChoiceMemory(functionName: string, store: () => LocalStore | null): ChoiceMemory {
	const key = `no-function:${functionName}`;
	return {
		async read() {
			const record = await store()?.transact('r', [], ({ meta }) => meta.get(key));
			return record?.value ?? null;
		},
		async write(value) {
			await store()?.transact('rw', [], ({ meta }) => meta.put({ key, value }));
		},
	};
}
