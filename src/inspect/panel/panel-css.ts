/**
 * The panel's rules. Every colour is a custom property of the element, for an app to set. Light or dark follows the
 * reader, the page's `color-scheme` for this element, or the attribute `theme`.
 */
export const PANEL_CSS = /* css */ `
:host {
	color-scheme: light dark;
	--_paper: var(--pixsync-paper, light-dark(#f6f8fa, #0d1117));
	--_card: var(--pixsync-card, light-dark(#ffffff, #161b22));
	--_ink: var(--pixsync-ink, light-dark(#1f2328, #e6edf3));
	--_muted: var(--pixsync-muted, light-dark(#59636e, #9ba5b1));
	--_line: var(--pixsync-line, light-dark(#d1d9e0, #30363d));
	--_accent: var(--pixsync-accent, light-dark(#0969da, #4493f8));
	--_good: var(--pixsync-good, light-dark(#1a7f37, #3fb950));
	--_warn: var(--pixsync-warn, light-dark(#845306, #d29922));
	--_bad: var(--pixsync-bad, light-dark(#cf222e, #f85149));
	--chart-paper: var(--_card);
	--chart-ink: var(--_ink);
	--chart-muted: var(--_muted);
	--chart-line: light-dark(#8c959f, #6e7681);
	--chart-state: light-dark(#f0f5fc, #1c2534);
	--chart-frame: var(--_line);
	--chart-active: light-dark(#0969da, #1f6feb);
	--chart-active-ink: #ffffff;
	display: block;
	container-type: inline-size;
	color: var(--_ink);
	background: var(--_paper);
	font: 14px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif;
	text-align: start;
}
:host([hidden]) { display: none; }
:host([theme='light']) { color-scheme: light; }
:host([theme='dark']) { color-scheme: dark; }
*, *::before { box-sizing: border-box; }
[hidden] { display: none !important; }

.panel { display: grid; gap: 12px; padding: 12px; }
.main { display: grid; gap: 12px; align-content: start; min-width: 0; }
.card { min-width: 0; padding: 14px 16px; border: 1px solid var(--_line); border-radius: 10px; background: var(--_card); }
@container (min-width: 960px) {
	.panel { grid-template-columns: minmax(0, 1fr) 372px; gap: 16px; padding: 16px; align-items: start; }
	.main { gap: 16px; }
	.timeline { position: sticky; top: 16px; }
}

header { display: flex; flex-wrap: wrap; align-items: center; gap: 6px 10px; margin-bottom: 12px; }
h2 { margin: 0; font-size: 16px; font-weight: 650; line-height: 1.3; overflow-wrap: anywhere; }
.user { margin-inline-start: auto; color: var(--_muted); font-size: 13px; }

.badge {
	--_tone: var(--_muted);
	display: inline-flex; align-items: center; gap: 6px; padding: 2px 10px; border-radius: 999px;
	color: var(--_tone); background: color-mix(in srgb, var(--_tone) 13%, transparent);
	font-size: 12.5px; font-weight: 600; white-space: nowrap;
}
.badge::before { content: ''; width: 7px; height: 7px; border-radius: 50%; background: currentColor; }
[data-connection='open'], [data-tone='idle'] { --_tone: var(--_good); }
[data-connection='unauthorised'] { --_tone: var(--_bad); }
[data-connection='not-leader'], [data-tone='backoff'], [data-tone='resolving'] { --_tone: var(--_warn); }
[data-tone='uploading'], [data-tone='downloading'], [data-connection='starting'] { --_tone: var(--_accent); }
@media (prefers-reduced-motion: no-preference) {
	[data-tone='uploading']::before, [data-tone='downloading']::before, [data-tone='resolving']::before {
		animation: beat 1.2s ease-in-out infinite;
	}
}
@keyframes beat { 50% { opacity: 0.25; } }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(90px, 1fr)); gap: 10px 14px; margin: 0 0 10px; }
.regions { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); }
.fact dt { color: var(--_muted); font-size: 12px; }
.fact dd { margin: 0; font-size: 15px; font-weight: 550; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.fact.is-notable dd { color: var(--_warn); }
.fact[data-fact='rejected'].is-notable dd, .fact[data-fact='error'].is-notable dd { color: var(--_bad); }
.fact[data-fact='error'] { grid-column: span 2; }

.chart-box { position: relative; }
summary { width: fit-content; padding: 2px 4px; margin-inline-start: -4px; border-radius: 6px; color: var(--_muted); font-size: 12.5px; cursor: pointer; }
.chart-tools { position: absolute; top: 0; right: 0; }
.chart-box:not([open]) .chart-tools { display: none; }
.chart { max-height: 642px; margin-top: 8px; overflow: auto; border: 1px solid var(--_line); border-radius: 8px; }
.pixsync-chart { display: block; width: 100%; min-width: 290px; height: auto; max-height: 260px; margin-inline: auto; }
.chart.is-full .pixsync-chart { width: auto; min-width: 0; max-width: none; max-height: none; }
.pixsync-chart .transition.is-active > .head { stroke: var(--_active); stroke-width: 2; stroke-linejoin: round; }
.pixsync-chart .box, .pixsync-chart text { transition: fill 0.2s, stroke 0.2s; }

button, select {
	padding: 4px 10px; border: 1px solid var(--_line); border-radius: 6px; color: inherit; background: var(--_card);
	font: inherit; font-size: 13px; line-height: 20px;
}
button { cursor: pointer; }
button:hover, select:hover { border-color: var(--_muted); }
button.quiet { padding: 1px 8px; border-color: transparent; color: var(--_accent); background: none; font-size: 12.5px; }
button.quiet:hover { border-color: var(--_line); }
:is(button, select, summary, .chart, .entries):focus-visible { outline: 2px solid var(--_accent); outline-offset: 1px; }

.tools { display: flex; gap: 8px; margin-inline-start: auto; }
.filters { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 8px 12px; margin-bottom: 10px; }
.filters label { display: grid; gap: 2px; min-width: 0; }
.filters span { color: var(--_muted); font-size: 12px; }
.filters select { width: 100%; min-width: 0; }
.empty { margin: 0; color: var(--_muted); }
.entries { max-height: 560px; margin: 0 -8px; padding: 0; overflow: auto; list-style: none; font-size: 13px; }
@container (min-width: 960px) { .entries { max-height: max(320px, calc(100vh - 190px)); } }
.entries li {
	display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 0 10px; padding: 6px 8px 6px 10px;
	border-inline-start: 3px solid transparent; border-bottom: 1px solid color-mix(in srgb, var(--_line) 55%, transparent);
}
.entries time { color: var(--_muted); font: 11.5px/19px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
.entries .of { max-width: 132px; color: var(--_muted); font-size: 12px; text-align: end; overflow-wrap: anywhere; }
.entries .text { grid-column: 1 / 3; font-weight: 550; overflow-wrap: anywhere; }
.entries .detail { grid-column: 2 / -1; color: var(--_muted); font-size: 12.5px; overflow-wrap: anywhere; }
.entries [data-kind='transition'] { border-inline-start-color: var(--_accent); }
.entries [data-kind='service.done'] { border-inline-start-color: var(--_good); }
.entries :is([data-kind='conflict'], [data-kind='retry'], [data-kind='service.stopped']) { border-inline-start-color: var(--_warn); }
.entries :is([data-kind='error'], [data-kind='service.failed']) { border-inline-start-color: var(--_bad); }
.entries :is([data-kind='event'], [data-kind='service.begun'], [data-kind='request']) .text { font-weight: 400; }
`;
