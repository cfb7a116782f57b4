import type { Page } from 'playwright-core';

/**
 * What a reader would stumble over in the panel as it is laid out now: text that is cut, sticks out of its place or
 * runs into its neighbour, and a page wider than its window.
 */
export async function layoutFaults(page: Page): Promise<readonly string[]> {
	return page.evaluate(() => {
		const root = window.page.element.shadowRoot;
		if (!root) return ['the element has drawn nothing'];
		const faults: string[] = [];
		const width = document.documentElement.clientWidth;
		const wanted = document.documentElement.scrollWidth;
		if (wanted > width) faults.push(`the page is ${wanted} px wide in a window of ${width} px`);

		const texts = [
			...root.querySelectorAll('h2, dt, dd, .badge, .user, button, .text, .of, .detail, time'),
		].filter((one) => one.textContent !== '' && one.getClientRects().length > 0);
		for (const one of texts) {
			const said = `"${one.textContent}"`;
			const range = document.createRange();
			range.selectNodeContents(one);
			const { left, right } = range.getBoundingClientRect();
			if (left < -0.5 || right > width + 0.5) faults.push(`${said} sticks out of the window`);
			const parent = one.parentElement?.getBoundingClientRect();
			if (parent && right > parent.right + 1) faults.push(`${said} sticks out of its place`);
			if (one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0) faults.push(`${said} is cut`);
		}
		for (const row of root.querySelectorAll('header, .fact, .entries li')) {
			const boxes = [...row.children].map((child) => ({ child, box: child.getBoundingClientRect() }));
			for (const [at, a] of boxes.entries()) {
				for (const b of boxes.slice(at + 1)) {
					const isApart =
						a.box.right <= b.box.left + 1 ||
						b.box.right <= a.box.left + 1 ||
						a.box.bottom <= b.box.top + 1 ||
						b.box.bottom <= a.box.top + 1;
					if (!isApart && a.box.width > 0 && b.box.width > 0) {
						faults.push(`"${a.child.textContent}" runs into "${b.child.textContent}"`);
					}
				}
			}
		}
		// In the drawings: a state's name within its box.
		for (const state of root.querySelectorAll('g.state[data-kind="atomic"]')) {
			const name = state.querySelector('.name')?.getBoundingClientRect();
			const box = state.querySelector('.box')?.getBoundingClientRect();
			if (!name || !box || box.width === 0) continue;
			const isInside =
				name.left >= box.left &&
				name.right <= box.right &&
				name.top >= box.top - 1 &&
				name.bottom <= box.bottom + 1;
			if (!isInside) faults.push(`the name of ${state.getAttribute('data-state')} sticks out of its box`);
		}
		return faults;
	});
}
