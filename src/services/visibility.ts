/** Calls `listener` when the page becomes visible; does nothing where there is no page. @returns stop */
export function watchVisibility(listener: () => void): () => void {
	const { document } = globalThis;
	if (!document) return () => undefined;
	const onChange = () => {
		if (document.visibilityState === 'visible') listener();
	};
	document.addEventListener('visibilitychange', onChange);
	return () => document.removeEventListener('visibilitychange', onChange);
}
