/** Tag of the sync event, where the app names none. */
export const DEFAULT_TAG = 'pixsync';

/** What the worker asks a page, through the port that comes with it. */
export const QUESTION = { pixsync: 'background-sync' } as const;

/** What the page answers. */
export interface Answer {
	readonly success: boolean;
}

export function isQuestion(data: unknown): boolean {
	return (
		typeof data === 'object' && data !== null && (data as { pixsync?: unknown }).pixsync === QUESTION.pixsync
	);
}
