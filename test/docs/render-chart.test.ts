import { describe, expect, it } from 'vitest';
import type { ChartDrawing } from '../../src/inspect/chart-drawing.ts';
import { CHARTS } from '../../src/inspect/charts.generated.ts';
import { escapeText, renderChart } from '../../src/inspect/render-chart.ts';

const HOSTILE = `<script>"&'`;

const DRAWING: ChartDrawing = {
	id: HOSTILE,
	width: 100,
	height: 100,
	states: [
		{
			id: HOSTILE,
			label: HOSTILE,
			kind: 'atomic',
			isInitial: true,
			activities: [HOSTILE],
			x: 1,
			y: 2,
			width: 3,
			height: 4,
		},
	],
	transitions: [
		{
			source: HOSTILE,
			target: HOSTILE,
			labels: [HOSTILE],
			labelBox: { x: 1, y: 2, width: 3, height: 4 },
			points: [
				[1, 2],
				[3, 4],
			],
		},
		{
			source: HOSTILE,
			target: HOSTILE,
			labels: [HOSTILE],
			labelBox: { x: 1, y: 2, width: 3, height: 4 },
			points: [],
		},
	],
};

describe('renderChart', () => {
	it('escapes every text, in markup and in attributes', () => {
		const svg = renderChart(DRAWING, { title: HOSTILE });
		const escaped = '&lt;script&gt;&quot;&amp;&#39;';
		expect(escapeText(HOSTILE)).toBe(escaped);
		expect(svg).not.toContain('<script>');
		// Id, title (twice), the state's id, name and activity, and three groups' two ends, two of them with a label.
		expect(svg.split(escaped).length - 1).toBe(3 + 3 + 3 * 2 + 2);
	});

	it('marks the active states, and no other', () => {
		const svg = renderChart(CHARTS.table, { active: ['table.idle'] });
		expect(svg.match(/<g class="state is-active" data-state="[^"]+"/g)).toEqual([
			'<g class="state is-active" data-state="table.idle"',
		]);
		expect(renderChart(CHARTS.table)).not.toContain('class="state is-active"');
	});

	it('takes its colours from its style alone: light and dark for a file, the page’s own in a page', () => {
		const [file, host] = [renderChart(CHARTS.sync), renderChart(CHARTS.sync, { colours: 'host' })];
		expect(file).toContain('@media (prefers-color-scheme:dark)');
		expect(file).not.toContain('var(--chart-');
		expect(host).not.toContain('prefers-color-scheme');
		expect(host).toContain('--_ink:var(--chart-ink,#1f2328)');
		for (const svg of [file, host]) {
			expect(svg.replace(/<style>[\s\S]*<\/style>/, '')).not.toMatch(/(fill|stroke|style)=|#[0-9a-f]{3,8}\b/);
		}
	});
});
