import { type Check, type CheckResult, sqlNameOf, toFinding } from '../check.ts';
import { COMMANDS } from '../table-facts.ts';

/** Whether `authenticated` may read and write the table at all; policies then say which rows. */
export const grantsCheck: Check = {
	name: 'grants',
	run(table) {
		const { facts, spec } = table;
		// A soft delete is an update.
		const needed = COMMANDS.filter((command) => command !== 'delete' || spec.deleted === null);
		const refused = needed.filter((command) => facts.grants[command] === false);
		const unknown: CheckResult = needed.some((command) => facts.grants[command] === null) ? ['unknown'] : [];
		if (refused.length === 0) return unknown;
		const names = refused.map((command) => command.toUpperCase()).join(', ');
		return [
			...unknown,
			toFinding(refused.includes('select') ? 'error' : 'warning', table, 'grant-missing', {
				problem: `The role authenticated has no ${names} on the table.`,
				why: 'What it is not granted is refused (42501), whatever the policies say.',
				mend: 'Grant it; leave writes out if the table is meant to be read only.',
				sql: `grant ${refused.join(', ')} on ${sqlNameOf(table)} to authenticated;`,
			}),
		];
	},
};
