import { FLOOR, OWN, PEERS, REST, SIX_CONNECTIONS, TUNED_FLOOR } from './names.ts';
import { PEER_NOTES } from './peer-notes.ts';
import type { Results } from './results.ts';
import { type Sizes, toCount } from './sizes.ts';
import { duringDownload, MEDIAN, P95, QUIET } from './watching.ts';
import { uploadOfCreates, uploadOfUpdates } from './workloads.ts';

export interface Conditions {
	readonly rounds: number;
	readonly browser: string;
	readonly sizes: Sizes;
	/** Name → version of those that took part. */
	readonly peers: Readonly<Record<string, string>>;
	readonly limitMs: number;
}

export function toMarkdown(results: Results, conditions: Conditions): string {
	const { rounds, browser, sizes, limitMs } = conditions;
	return `# What PixSync costs beside no engine at all

${toRounds(rounds)} in Chromium ${browser}, contestants taking turns, medians. The server is an emulator in memory on another origin, so that preflights are real and the server is not what is measured. Only ratios and counts mean something. \`npm run bench\` writes this file.

The floor is raw \`fetch\` and one raw IndexedDB transaction a page: no conflicts but by version, no lost replies, no users, no tabs. What is queued is durable before its promise resolves. The floor sends checked updates by one function, as the RPC transport does, and empties its outbox key by key.

![The ratios as bars](results.svg)

${toMainTable(results, conditions)}
${toNotes(results, conditions, limitMs)}
## Uploads beside the best that is possible

The tuned floor empties its outbox by a range of keys. "6 connections" sends each checked update as a compare-and-swap PATCH of its own, six at a time, as many as a browser opens to one origin by HTTP/1.1; it has no engine either, and is the best that a project without the RPC transport's function allows.

${toUploadTable(results, sizes)}

## From a write to the live query that shows it

A Dexie \`liveQuery\` of 20 rows by their primary key; a row is created, its appearance awaited, and the next one created 20 ms later. In ms, not a ratio.

${toWatchTable(results, sizes)}
`;
}

function toMainTable(results: Results, { peers }: Conditions): string {
	const others = [...OWN, ...Object.keys(peers)];
	const hasPeers = others.length > OWN.length;
	const head = ['workload', FLOOR, ...others, ...(hasPeers ? ['PixSync ahead of the peers?'] : [])];
	const rows = rowsOf(results);
	const lines = rows.map((row) => [
		row,
		toFigure(results, row, FLOOR),
		...others.map((name) => toRatio(results, row, name, FLOOR)),
		...(hasPeers ? [toAhead(results, row, Object.keys(peers))] : []),
		[FLOOR, ...others].map((name) => toTraffic(results, row, name)).join(' · '),
	]);
	return toTable([...head, 'requests (preflights), in this order'], lines);
}

/** Of the main table: what the floor does, too. */
function rowsOf(results: Results): readonly string[] {
	return results.rows.filter((row) => results.median(row, FLOOR) !== null);
}

/** The peers that are quicker than PixSync, or than one transport of it. */
function toAhead(results: Results, row: string, peers: readonly string[]): string {
	const medianOf = (name: string) => results.median(row, name) ?? Number.POSITIVE_INFINITY;
	const quicker = peers.flatMap((peer) => {
		const behind = OWN.filter((own) => medianOf(peer) < medianOf(own));
		if (behind.length === 0) return [];
		return behind.length === OWN.length ? peer : `${peer} before ${behind.join()}`;
	});
	return quicker.length === 0 ? 'yes' : `**no**: ${quicker.join('; ')}`;
}

function toNotes(results: Results, { peers }: Conditions, limitMs: number): string {
	const names = Object.keys(peers);
	if (names.length === 0) return '';
	const about = names.map((name) => `- **${name} ${peers[name]}**: ${PEER_NOTES[name]}`);
	const failed = rowsOf(results).flatMap((row) =>
		PEERS.filter((name) => names.includes(name) && results.median(row, name) === null).map(
			(name) => `- ${name}, ${row}: ${results.reason(row, name)}`,
		),
	);
	const what =
		failed.length > 0
			? `\nNot done (the limit is ${limitMs / 1000} s a workload):\n\n${failed.join('\n')}\n`
			: '';
	return `\n${about.join('\n')}\n${what}`;
}

function toUploadTable(results: Results, { medium, small }: Sizes): string {
	const rows = [uploadOfCreates(medium), uploadOfUpdates(small, 0), uploadOfUpdates(small, 50)];
	const lines = rows.map((row) => [
		row,
		toFigure(results, row, FLOOR),
		toFigure(results, row, TUNED_FLOOR),
		...OWN.map((name) => toRatio(results, row, name, TUNED_FLOOR)),
		toFigure(results, row, SIX_CONNECTIONS),
		toRatio(results, row, REST, SIX_CONNECTIONS),
	]);
	const own = OWN.map((name) => `${name} ÷ tuned floor`);
	return toTable(
		['workload', FLOOR, TUNED_FLOOR, ...own, SIX_CONNECTIONS, `${REST} ÷ ${SIX_CONNECTIONS}`],
		lines,
	);
}

function toWatchTable(results: Results, { medium }: Sizes): string {
	const lines = [QUIET, duringDownload(medium * 2)].map((what) => [
		what,
		...OWN.flatMap((name) => [MEDIAN, P95].map((measure) => toFigure(results, `${what}, ${measure}`, name))),
		OWN.map((name) => results.median(`${what}, writes seen`, name)?.toFixed(0) ?? '–').join(' · '),
	]);
	const head = OWN.flatMap((name) => [`${name}, ${MEDIAN}`, P95]);
	return toTable(['', ...head, 'writes seen a round'], lines);
}

export function toTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
	const rows = [head, head.map(() => '---'), ...lines];
	return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

export function toRounds(rounds: number): string {
	return rounds === 1 ? 'One round' : `${rounds} rounds`;
}

export function toFigure(results: Results, row: string, name: string): string {
	const value = results.median(row, name);
	if (value === null) return '–';
	return `${value.toFixed(value < 20 ? 1 : 0)} ${results.unit(row)}`;
}

/** `1.05×`; in ms where there is nothing to divide by, or no sense in it. */
export function toRatio(results: Results, row: string, name: string, reference: string): string {
	const [value, divisor] = [results.median(row, name), results.median(row, reference)];
	if (value === null) return results.reason(row, name) ? 'not done' : '–';
	if (divisor === null) return '–';
	if (divisor === 0 || results.isAbsolute(row)) return toFigure(results, row, name);
	const ratio = value / divisor;
	return `${ratio < 100 ? ratio.toFixed(2) : toCount(Math.round(ratio))}×`;
}

export function toTraffic(results: Results, row: string, name: string): string {
	const measure = results.last(row, name);
	return measure ? `${measure.traffic.requests} (${measure.traffic.preflights})` : '–';
}
