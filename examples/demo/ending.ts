import type { Row } from '../../src/index.ts';
import { diffFrom, diffHoldings } from './compare.ts';
import type { Device } from './devices.ts';
import type { Project } from './project.ts';
import { ids, type RowName, type TableName, tables } from './tables.ts';

export interface Check {
	/** What must be so. */
	readonly what: string;
	/** In how far it is not; empty: it is so. */
	readonly differences: readonly string[];
}

/** alice reconnected first: whatever both had edited is bob's conflict, except that his last edit is a later one. */
const OUTCOMES = [
	'castle-qa: bob, dead-letter',
	'castle: bob, local',
	'fog-prompt: bob, local',
	'harbour-qa: bob, remote',
	'harbour: bob, remote',
	'old-prompt: bob, recreated',
	'sdxl: bob, remote',
];

const ENDINGS: readonly { what: string; table: TableName; row: RowName; columns: Row | null }[] = [
	{
		what: 'an edit that met no other',
		table: 'generations',
		row: 'forest',
		columns: { title: 'Forest', rating: 4 },
	},
	{
		what: "latest-wins: alice's title came after bob's edit",
		table: 'generations',
		row: 'harbour',
		columns: { title: 'Harbour at dawn' },
	},
	{
		what: "latest-wins: bob's last title is the later one, and alice's rating stays",
		table: 'generations',
		row: 'castle',
		columns: { title: 'Castle at night', rating: 5 },
	},
	{
		what: "local-wins: bob sends the column that he changed, and alice's pin stays",
		table: 'prompt_history',
		row: 'fog-prompt',
		columns: { prompt: 'a castle at night', pinned: true },
	},
	{
		what: 'local-wins: bob edited what alice had deleted, and it is back',
		table: 'prompt_history',
		row: 'old-prompt',
		columns: { prompt: 'a castle in oil' },
	},
	{
		what: "remote-wins: alice's settings were there first",
		table: 'model_configs',
		row: 'sdxl',
		columns: { settings: { steps: 30, sampler: 'euler' } },
	},
	{
		what: "latest-wins: alice's score came after bob's delete",
		table: 'quality_reports',
		row: 'harbour-qa',
		columns: { score: 9 },
	},
	{
		what: "latest-wins: alice's delete came after bob's edit",
		table: 'quality_reports',
		row: 'castle-qa',
		columns: null,
	},
];

/** Rows left, so that equal does not mean empty. */
const SIZES = { generations: 3, prompt_history: 2, quality_reports: 2, model_configs: 1 };

/**
 * All that must be so when the story is over.
 * @param outcomes a line for each conflict: `<row>: <device that met it>, <outcome>`
 */
export async function checkEnding(
	{ project, alice, bob }: { project: Project; alice: Device; bob: Device },
	outcomes: readonly string[],
): Promise<Check[]> {
	const [server, ofAlice, ofBob] = await Promise.all([project.read(), alice.read(), bob.read()]);
	const endings = ENDINGS.map(({ what, table, row, columns }) => {
		const found = server.tables[table]?.find(({ id }) => id === ids[row]);
		return { what, differences: diffFrom(columns, found ? pick(found, columns ?? found) : null) };
	});
	const { status } = await bob.sync.table('quality_reports').state(ids['castle-qa']);
	const pending = await Promise.all([alice, bob].map(({ sync }) => sync.getPendingCount()));
	const sizes = Object.fromEntries(tables.map(({ table }) => [table, server.tables[table]?.length]));
	return [
		...endings,
		{ what: "… and bob's edit of it is kept aside, not lost", differences: diffFrom('rejected', status) },
		{
			what: 'each conflict was met once, and decided as said',
			differences: diffFrom(OUTCOMES, outcomes.toSorted()),
		},
		{ what: 'nothing waits to be sent', differences: diffFrom([0, 0], pending) },
		{ what: 'the server holds what it should', differences: diffFrom(SIZES, sizes) },
		{ what: 'alice and bob hold the same, in every column', differences: diffHoldings(ofAlice, ofBob) },
		{ what: 'alice and the server hold the same, too', differences: diffHoldings(ofAlice, server) },
		{ what: 'bob and the server hold the same, too', differences: diffHoldings(ofBob, server) },
	];
}

function pick(row: Row, columns: Row): Row {
	return Object.fromEntries(Object.keys(columns).map((column) => [column, row[column]]));
}
