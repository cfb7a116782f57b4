import { Window } from 'happy-dom';
import type { ReactElement } from 'react';

// Only what react-dom looks for: with all of a browser's globals, supabase-js and the engine would take this for one.
const window = new Window({ url: 'http://localhost/' });
globalThis.navigator ??= { userAgent: 'test' } as Navigator;
Object.assign(globalThis, { window, document: window.document });
const { createRoot, hydrateRoot } = await import('react-dom/client');

export interface Mounted {
	readonly container: Element;
	text(): string;
	render(element: ReactElement): Promise<void>;
	/** Waits until `check` does not throw. */
	until(check: () => void | Promise<void>): Promise<void>;
	unmount(): Promise<void>;
}

const LIMIT_MS = 5_000;

/** React schedules as it does in an app: without `act`, so that renders are counted as users get them. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Renders into a document of its own. @param html what a server rendered: the element is hydrated. */
export async function mount(element: ReactElement, html?: string): Promise<Mounted> {
	const container = document.createElement('div');
	document.body.append(container);
	if (html !== undefined) container.innerHTML = html;
	const root = html === undefined ? createRoot(container) : hydrateRoot(container, element);
	const mounted: Mounted = {
		container,
		text: () => container.textContent ?? '',
		async render(next) {
			root.render(next);
			await pause();
		},
		async until(check) {
			const start = performance.now();
			for (;;) {
				await pause();
				try {
					return await check();
				} catch (error) {
					if (performance.now() - start > LIMIT_MS) throw error;
				}
			}
		},
		async unmount() {
			root.unmount();
			await pause();
			container.remove();
		},
	};
	if (html === undefined) await mounted.render(element);
	return mounted;
}

/** Lets everything under way come to its end: timers of IndexedDB's fake, and what React makes of them. */
export async function quiet(): Promise<void> {
	for (let turn = 0; turn < 10; turn++) await pause();
}
