import { type Check, sqlNameOf, toFinding, UNKNOWN } from '../check.ts';
import { conjunctsOf } from '../conjuncts.ts';
import { quoteName } from '../sql-text.ts';
import type { PolicyFacts } from '../table-facts.ts';

/** Whether the rows that are marked as deleted stay visible to who may see the others (F20). */
export const tombstonesCheck: Check = {
	name: 'tombstones',
	run(table) {
		const { facts, spec } = table;
		if (!spec.deleted) return [];
		if (facts.rowSecurity === null) return UNKNOWN;
		if (!facts.rowSecurity.isEnabled) return [];
		const { field } = spec.deleted;
		const reading = facts.rowSecurity.policies.filter(
			({ command }) => command === 'select' || command === 'all',
		);
		const naming = reading.filter(({ columns }) => columns.includes(field));
		if (naming.length === 0) return [];
		const hiding = naming.filter((policy) => isHiding(policy, field));
		const showing = reading.filter((policy) => policy.isPermissive && !hiding.includes(policy));
		const isCertain = hiding.some(({ isPermissive }) => !isPermissive) || showing.length === 0;
		const names = (isCertain ? hiding : naming).map(({ name }) => `"${name}"`).join(', ');
		return [
			toFinding(isCertain ? 'error' : 'warning', table, 'policy-hides-tombstones', {
				problem: isCertain
					? `The SELECT policy ${names} hides rows that are marked as deleted.`
					: `The SELECT policy ${names} looks at "${field}", and may hide rows that are marked as deleted.`,
				why: 'The deletion is refused (42501), and other devices never learn of it.',
				mend: 'Let the policy show them: PixSync hides them from the app.',
				sql:
					hiding.length > 0
						? hiding.map((policy) => showSql(sqlNameOf(table), policy, field)).join('\n')
						: null,
			}),
		];
	},
};

/** Whether it demands, beside anything else, that the row is not deleted. */
function isHiding({ using }: PolicyFacts, field: string): boolean {
	return using !== null && conjunctsOf(using).some((part) => isLiving(part, field));
}

function showSql(table: string, { name, using }: PolicyFacts, field: string): string {
	const rest = conjunctsOf(using ?? '').filter((part) => !isLiving(part, field));
	return `alter policy ${quoteName(name)} on ${table} using (${rest.length > 0 ? rest.join(' and ') : 'true'});`;
}

/** As PostgreSQL writes the condition back. */
function isLiving(condition: string, field: string): boolean {
	const bare = condition.replace(/^\((.*)\)$/s, '$1').replace(/^(NOT )?\w+\.(?=[\w"])/, '$1');
	return [field, quoteName(field)].some((name) =>
		[
			`${name} IS NULL`,
			`NOT ${name}`,
			`${name} = false`,
			`${name} IS FALSE`,
			`${name} IS NOT TRUE`,
			`${name} <> true`,
			`NOT COALESCE(${name}, false)`,
			`COALESCE(${name}, false) = false`,
		].includes(bare),
	);
}
