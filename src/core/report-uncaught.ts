/** A listener's error is the app's to hear of, and nobody else's trouble: it is reported as any uncaught one is. */
export function reportUncaught(error: unknown): void {
	if (typeof globalThis.reportError === 'function') {
		globalThis.reportError(error);
		return;
	}
	queueMicrotask(() => {
		throw error;
	});
}
