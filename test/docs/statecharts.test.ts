import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { toAnchor } from '../../scripts/statecharts/references.ts';
import { RULES } from '../../scripts/statecharts/rules.ts';
import { CHARTS } from '../../src/inspect/charts.generated.ts';
import { networkMachine, syncMachine, tableMachine } from '../../src/machines/index.ts';
import { crossedBy, isOverlapping, isWithin } from '../support/boxes.ts';
import { readTransitionRows, toMachineRows } from '../support/chart-rows.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = 'docs/statecharts';
const MACHINES = [tableMachine, syncMachine, networkMachine] as const;

const readPage = (name: string) => readFileSync(join(ROOT, FOLDER, name), 'utf8');

describe.each(MACHINES.map((machine) => ({ id: machine.id as keyof typeof CHARTS, machine })))(
	'the chart of $id',
	({ id, machine }) => {
		const drawing = CHARTS[id];
		const rows = toMachineRows(machine);
		const ids = [...new Set(rows.states)];

		it('[S29] draws every state of the machine, and no other', () => {
			expect(drawing.states.map((state) => state.id).sort()).toEqual([...ids].sort());
			const svg = readPage(`${id}.svg`);
			for (const state of ids) expect(svg).toContain(`<g class="state" data-state="${state}"`);
		});

		it('[S29] draws every transition of the machine, and no other', () => {
			const drawn = drawing.transitions.flatMap(({ source, target, labels, points }) => {
				let event = '';
				return labels.flatMap((label, index) => {
					const isGuard = label.startsWith('  [');
					const next = labels[index + 1];
					if (!isGuard) event = label;
					if (!isGuard && next?.startsWith('  [')) return [];
					const words = isGuard ? `${event} ${label.trim().replace(/^\[else\]$/, '')}`.trim() : label;
					return `${source} -> ${points.length === 0 ? 'stays' : target}: ${words}`;
				});
			});
			const needed = rows.transitions.flatMap(({ source, targets, label }) =>
				(targets.length === 0 ? ['stays'] : targets).map((target) => `${source} -> ${target}: ${label}`),
			);
			expect(drawn.sort()).toEqual([...new Set(needed)].sort());
			const svg = readPage(`${id}.svg`);
			for (const { source, target } of drawing.transitions) {
				expect(svg).toContain(`<g class="transition" data-source="${source}" data-target="${target}">`);
			}
		});

		it('[S29] has every state and every transition on its page, with guards, targets and actions in order', () => {
			const page = readPage(`${id}.md`);
			for (const state of ids) {
				expect(page).toContain(`\n### ${state === id ? id : state.slice(id.length + 1)}\n`);
			}
			expect(readTransitionRows(page, id)).toEqual(rows.transitions);
		});

		it('[S29] marks where each state begins, and says on the page what runs in it, for how long, under which tags', () => {
			const page = readPage(`${id}.md`);
			const drawn = drawing.states.filter(({ isInitial }) => isInitial).map((state) => state.id);
			expect(drawn).toEqual(rows.initial);
			for (const { state, tags, services } of rows.facts) {
				const heading = state === id ? id : state.slice(id.length + 1);
				const [, section = ''] = page.split(`\n### ${heading}\n`);
				const text = section.split('\n#')[0];
				for (const tag of tags) expect(text).toMatch(new RegExp(`Tags: .*\`${tag}\``));
				for (const service of services) expect(text).toMatch(new RegExp(`Invokes .*\`${service}\``));
			}
			for (const [name, delay] of Object.entries(machine.implementations.delays ?? {})) {
				const length = typeof delay === 'number' ? `${delay} ms` : `computed by \`${name}\``;
				expect(page).toContain(`| \`${name}\` | ${length} | `);
			}
		});

		it('lays no label over another, over a state or over an arrow that is not its own', () => {
			const arrows = drawing.transitions.filter(({ points }) => points.length > 0);
			const leaves = drawing.states.filter(({ kind }) => kind === 'atomic');
			const faults = arrows.flatMap((one, index) => [
				...arrows.slice(index + 1).flatMap((other) => {
					return isOverlapping(one.labelBox, other.labelBox) ? [`${one.labels} / ${other.labels}`] : [];
				}),
				...leaves.flatMap((state) => {
					return isOverlapping(one.labelBox, state) ? [`${one.labels} / ${state.id}`] : [];
				}),
				...arrows.flatMap((other) => {
					return other !== one && crossedBy(one.labelBox, other.points)
						? [`${one.labels} x ${other.labels}`]
						: [];
				}),
			]);
			expect(arrows.length).toBeGreaterThan(5);
			expect(faults).toEqual([]);
		});

		it('keeps what happens without leaving a state inside its box, and off its inner states', () => {
			for (const { source, labelBox } of drawing.transitions.filter(({ points }) => points.length === 0)) {
				const state = drawing.states.find((one) => one.id === source);
				const inner = drawing.states.filter((one) => one.id.startsWith(`${source}.`));
				expect(state && isWithin(labelBox, state)).toBe(true);
				expect(inner.filter((one) => isOverlapping(one, labelBox))).toEqual([]);
			}
		});

		it('has room for each label in the widest of its fonts, and is legible on a page of 850 px', () => {
			// 0.62 em: SF Mono, the widest; Menlo and DejaVu Sans Mono have 0.602, Consolas 0.55.
			for (const { labels, labelBox } of drawing.transitions) {
				expect(labelBox.width).toBeGreaterThanOrEqual(
					Math.max(...labels.map((line) => line.length)) * 11 * 0.62,
				);
				expect(labelBox.height).toBeGreaterThanOrEqual(labels.length * 11 * 1.2);
			}
			expect((11 * 850) / Math.max(850, drawing.width)).toBeGreaterThanOrEqual(9);
		});
	},
);

describe('the pages', () => {
	it('link only to headings and files that exist', () => {
		// As GitHub has them.
		expect(toAnchor('gate.open.steady')).toBe('gateopensteady');
		expect(toAnchor('The chart’s words')).toBe('the-charts-words');
		const names = ['README.md', ...MACHINES.map(({ id }) => `${id}.md`)];
		const anchors = new Map(
			names.map((name) => {
				const headings = [...readPage(name).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
					toAnchor(heading),
				);
				// GitHub numbers a heading that is there twice: nothing may link to one of these.
				expect(headings.filter((one, index) => headings.indexOf(one) !== index)).toEqual([]);
				return [name, headings];
			}),
		);
		const links = names.flatMap((name) =>
			[...readPage(name).matchAll(/\]\(([^)#]*)(?:#([^)]*))?\)/g)].map(([, file = '', anchor]) => ({
				name,
				file,
				anchor,
			})),
		);
		expect(links.length).toBeGreaterThan(200);
		for (const { name, file, anchor } of links) {
			if (file !== '') expect(existsSync(join(ROOT, FOLDER, file)), `${name}: ${file}`).toBe(true);
			if (anchor !== undefined)
				expect(anchors.get(file || name), `${name}: ${file}#${anchor}`).toContain(anchor);
		}
	});

	it('explain every rule that they know, and cite only these', () => {
		const pages = MACHINES.map(({ id }) => readPage(`${id}.md`)).join('\n');
		for (const [id, text] of Object.entries(RULES)) expect(pages).toContain(`- **${id}** ${text}`);
		const cited = [...`${pages}${readPage('README.md')}`.matchAll(/\b[RSFL]\d{1,2}\b/g)].map(([id]) => id);
		expect(cited.filter((id) => !(id in RULES))).toEqual([]);
	});
});
