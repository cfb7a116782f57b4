import { type ChartView, createChartView } from './chart-view.ts';
import { create, setAttribute, setText } from './dom.ts';
import type { Move } from './drawn-chart.ts';
import { UNKNOWN } from './format.ts';
import type { PanelModel, RegionName } from './panel-model.ts';

/** The connection, the user, and the root machine with its three regions. */
export interface RootView {
	readonly element: HTMLElement;
	update(model: PanelModel, lastMove: Move | null): void;
	/** The panel's width has changed. */
	refit(): void;
}

const REGIONS: readonly RegionName[] = ['gate', 'schedule', 'run'];

const CONNECTION_TEXTS: Readonly<Record<PanelModel['connection'], string>> = {
	starting: 'Opening the local database',
	open: 'Connected',
	offline: 'Offline',
	unauthorised: 'No valid session',
	'not-leader': 'Another tab syncs',
};

export function createRootView(): RootView {
	const connection = create('span', { class: 'badge connection' });
	const user = create('span', { class: 'user' });
	// The one thing read out by itself, and only when it changes.
	const status = create('span', { role: 'status' }, connection);
	const chart: ChartView = createChartView('sync', 'the root');
	const values = REGIONS.map((region) => ({ region, value: create('dd', { class: 'state-text' }) }));
	const regions = create(
		'dl',
		{ class: 'facts regions' },
		...values.map(({ region, value }) => create('div', { class: 'fact' }, create('dt', {}, region), value)),
	);
	const element = create(
		'section',
		{ class: 'card root', 'aria-label': 'Root' },
		create('header', {}, create('h2', {}, 'Sync'), status, user),
		regions,
		chart.element,
	);

	return {
		element,
		refit: chart.showActive,
		update(model, lastMove) {
			setText(connection, CONNECTION_TEXTS[model.connection]);
			setAttribute(connection, 'data-connection', model.connection);
			setText(user, toUserText(model.user));
			for (const { region, value } of values) {
				const leaf = model.leaves.find((path) => path.startsWith(`${region}.`));
				setText(value, leaf?.split('.').slice(1).join(' · ') ?? UNKNOWN);
				setAttribute(element, `data-${region}`, model.regions[region]);
			}
			chart.update(model.leaves, lastMove);
		},
	};
}

function toUserText(user: PanelModel['user']): string {
	if (user === undefined) return `User ${UNKNOWN}`;
	return user === null ? 'Signed out' : `Signed in as ${user}`;
}
