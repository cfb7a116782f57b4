import type { Page } from 'playwright-core';
import type { InspectionEntry } from '../../../src/inspect/index.ts';
// The page's globals.
import type {} from '../../browser/pages/inspector.ts';

/** What the page shows, and what is so, read in one go: between two readings the engine may have moved on. */
export interface PanelReading {
	/** By table: the section's `data-state`, the chart's active states, and the actor's own state. */
	readonly tables: Readonly<Record<string, TableReading>>;
	/** Of the root: shown, marked in the chart, and the actor's. */
	readonly root: {
		readonly shown: RootStates;
		readonly active: readonly string[];
		readonly actual: RootStates;
	};
	readonly connection: string;
	readonly user: string;
	/** Texts of the timeline, newest first. */
	readonly timeline: readonly string[];
}

export interface TableReading {
	readonly shown: string;
	readonly active: readonly string[];
	readonly actual: string;
	/** By `data-fact`. */
	readonly facts: Readonly<Record<string, string>>;
}

interface RootStates {
	readonly gate: string;
	readonly schedule: string;
	readonly run: string;
}

export async function readPanel(page: Page): Promise<PanelReading> {
	return page.evaluate(async () => {
		// The panel draws once a frame; after two of them it has drawn what happened before the call.
		for (let frame = 0; frame < 2; frame++) await new Promise((resolve) => requestAnimationFrame(resolve));
		const { element, sync } = window.page;
		const root = element.shadowRoot;
		if (!root) throw new Error('the element has drawn nothing');
		const textOf = (node: Element | null) => node?.textContent ?? '';
		const activeIn = (node: Element) =>
			[...node.querySelectorAll('g.state.is-active[data-kind="atomic"]')].map(
				(state) => state.getAttribute('data-state') ?? '',
			);
		const { value, context } = sync.actor.getSnapshot();
		const tables: Record<string, TableReading> = {};
		for (const section of root.querySelectorAll('section[data-table]')) {
			const table = section.getAttribute('data-table') ?? '';
			const facts = [...section.querySelectorAll('[data-fact]')].map((fact) => [
				fact.getAttribute('data-fact'),
				textOf(fact.querySelector('dd')),
			]);
			tables[table] = {
				shown: section.getAttribute('data-state') ?? '',
				active: activeIn(section),
				actual: context.tables[table]?.ref.getSnapshot().value ?? '',
				facts: Object.fromEntries(facts),
			};
		}
		const section = root.querySelector('section[data-gate]');
		if (!section) throw new Error('there is no root section');
		const headOf = (state: string | object) =>
			typeof state === 'string' ? state : (Object.keys(state)[0] ?? '');
		const shownOf = (region: string) => section.getAttribute(`data-${region}`) ?? '';
		return {
			tables,
			root: {
				shown: { gate: shownOf('gate'), schedule: shownOf('schedule'), run: shownOf('run') },
				active: activeIn(section),
				actual: { gate: headOf(value.gate), schedule: headOf(value.schedule), run: headOf(value.run) },
			},
			connection: textOf(root.querySelector('.connection')),
			user: textOf(root.querySelector('.user')),
			timeline: [...root.querySelectorAll('.entries li')].map((row) =>
				[...row.children].map((part) => part.textContent).join(' | '),
			),
		};
	});
}

/** Everything that the page holds as text: its HTML, the panel's, and the log. */
export async function readTexts(page: Page): Promise<string> {
	const [html, panel, log] = await Promise.all([
		page.content(),
		page.evaluate(() => window.page.element.shadowRoot?.innerHTML ?? ''),
		page.evaluate(() => JSON.stringify(window.page.inspector.entries())),
	]);
	return [html, panel, log].join('\n');
}

export async function readLog(page: Page): Promise<readonly InspectionEntry[]> {
	return page.evaluate(() => [...window.page.inspector.entries()]);
}
