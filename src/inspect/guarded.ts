/** XState calls inspectors in the middle of a transition: what one of them throws must not end the machine. */
export function guarded(work: () => void): void {
	try {
		work();
	} catch (error) {
		// Reported as any uncaught error is.
		setTimeout(() => {
			throw error;
		});
	}
}
