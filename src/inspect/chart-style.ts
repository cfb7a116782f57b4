import { CHART_TEXT } from './chart-drawing.ts';

type Colours = Readonly<Record<ColourName, string>>;
type ColourName = (typeof COLOUR_NAMES)[number];

const COLOUR_NAMES = ['paper', 'ink', 'muted', 'line', 'state', 'frame', 'active', 'active-ink'] as const;

const LIGHT: Colours = {
	paper: '#ffffff',
	ink: '#1f2328',
	muted: '#57606a',
	line: '#6e7781',
	state: '#eef4fc',
	frame: '#d0d7de',
	active: '#0969da',
	'active-ink': '#ffffff',
};

const DARK: Colours = {
	paper: '#0d1117',
	ink: '#e6edf3',
	muted: '#9ba5b1',
	line: '#8b949e',
	state: '#1a2435',
	frame: '#3d444d',
	active: '#1f6feb',
	'active-ink': '#ffffff',
};

/**
 * The style sheet of a drawing. 'auto': light or dark as the reader prefers; 'host': the custom properties of the page
 * around it, light where it sets none.
 */
export function toChartStyle(colours: 'auto' | 'host'): string {
	const { size, nameSize } = CHART_TEXT;
	const rules = [
		`.pixsync-chart text{font:${size}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace;fill:var(--_ink)}`,
		`.pixsync-chart .name{font-size:${nameSize}px;font-weight:600}`,
		'.pixsync-chart .activity{fill:var(--_muted)}',
		'.pixsync-chart .paper,.pixsync-chart .label{fill:var(--_paper)}',
		'.pixsync-chart .box{fill:var(--_state);stroke:var(--_line);stroke-width:1.2}',
		'.pixsync-chart [data-kind=compound]>.box,.pixsync-chart [data-kind=region]>.box{fill:none;stroke:var(--_frame)}',
		'.pixsync-chart [data-kind=region]>.box{stroke-dasharray:6 4}',
		'.pixsync-chart .line{fill:none;stroke:var(--_line);stroke-width:1.2}',
		'.pixsync-chart .head,.pixsync-chart .initial{fill:var(--_line)}',
		'.pixsync-chart .state.is-active>.box{stroke:var(--_active);stroke-width:2.5}',
		'.pixsync-chart .state.is-active[data-kind=atomic]>.box{fill:var(--_active)}',
		'.pixsync-chart .state.is-active[data-kind=atomic] text{fill:var(--_active-ink)}',
		'.pixsync-chart .transition.is-active>.line{stroke:var(--_active);stroke-width:2.5}',
		'.pixsync-chart .transition.is-active>.head{fill:var(--_active)}',
	];
	if (colours === 'host') return [toHostColours(), ...rules].join('');
	const dark = `@media (prefers-color-scheme:dark){.pixsync-chart{${toProperties(DARK)}}}`;
	return [`.pixsync-chart{${toProperties(LIGHT)}}`, dark, ...rules].join('');
}

function toProperties(colours: Colours): string {
	return COLOUR_NAMES.map((name) => `--_${name}:${colours[name]}`).join(';');
}

function toHostColours(): string {
	return `.pixsync-chart{${COLOUR_NAMES.map((name) => `--_${name}:var(--chart-${name},${LIGHT[name]})`).join(';')}}`;
}
