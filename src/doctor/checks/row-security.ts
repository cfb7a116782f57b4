import { type Check, type CheckedTable, sqlNameOf, toFinding, UNKNOWN } from '../check.ts';
import type { Finding } from '../finding.ts';
import { quoteName } from '../sql-text.ts';
import { COMMANDS, type Command } from '../table-facts.ts';

/** Whether row level security is on, with a policy for each thing that sync does (F24, F29). */
export const rowSecurityCheck: Check = {
	name: 'row-security',
	run(table) {
		const { facts, spec } = table;
		if (facts.rowSecurity === null) return UNKNOWN;
		const { isEnabled, policies } = facts.rowSecurity;
		const owner = ownerColumn(table);
		const findings: Finding[] = [];
		if (!isEnabled) {
			const isSafe = policies.length > 0 || owner !== null;
			findings.push(
				toFinding('error', table, 'rls-disabled', {
					problem: 'Row level security is off.',
					why: 'Everybody who has the public key of the project can read the table, and change it.',
					mend: isSafe
						? 'Switch it on.'
						: 'Decide who may see a row, write policies that say so, and switch it on.',
					// On without a policy, it would take the rows away from everybody.
					sql: isSafe ? `alter table ${sqlNameOf(table)} enable row level security;` : null,
				}),
			);
			if (!isSafe) return findings;
		}
		for (const command of COMMANDS) {
			// A soft delete is an update.
			if (command === 'delete' && spec.deleted) continue;
			const allows = policies.some(
				(policy) => policy.isPermissive && (policy.command === command || policy.command === 'all'),
			);
			if (!allows) findings.push(missing(table, command, owner));
		}
		return findings;
	},
};

const WHY: Readonly<Record<Command, string>> = {
	select: 'Nothing is downloaded, and writes are refused, for a row is written and read back in one request.',
	insert: 'Creates are refused (42501) and kept as dead letters.',
	update: 'Updates change no row and are rejected as `denied`.',
	delete: 'Deletes remove no row and are rejected as `denied`.',
};

const NAMES: Readonly<Record<Command, string>> = {
	select: 'pixsync: read own rows',
	insert: 'pixsync: add own rows',
	update: 'pixsync: change own rows',
	delete: 'pixsync: delete own rows',
};

function missing(table: CheckedTable, command: Command, owner: string | null): Finding {
	return toFinding(command === 'select' ? 'error' : 'warning', table, `policy-${command}`, {
		problem: `No policy allows ${command.toUpperCase()} to authenticated.`,
		why: WHY[command],
		mend: owner
			? `Add a policy; this one says that a row belongs to the user in "${owner}".`
			: 'Add a policy that says for which rows it is allowed; none is needed for what the app never does.',
		sql: owner ? policySql(table, command, owner) : null,
	});
}

function policySql(table: CheckedTable, command: Command, owner: string): string {
	const name = quoteName(NAMES[command]);
	const on = sqlNameOf(table);
	const isOwn = `((select auth.uid()) = ${quoteName(owner)})`;
	const using = command === 'insert' ? '' : ` using ${isOwn}`;
	const check = command === 'insert' || command === 'update' ? ` with check ${isOwn}` : '';
	return [
		`drop policy if exists ${name} on ${on};`,
		`create policy ${name} on ${on} for ${command} to authenticated${using}${check};`,
	].join('\n');
}

/** The column that names a row's user: filled with the user by default, pointing at the users, or called so. */
function ownerColumn({ facts, spec }: CheckedTable): string | null {
	const uuids = (facts.columns ?? []).filter(({ type, name }) => type === 'uuid' && name !== spec.idField);
	const pointing = (facts.foreignKeys ?? [])
		.filter(({ parentSchema, parentTable }) => parentSchema === 'auth' && parentTable === 'users')
		.flatMap(({ columns }) => columns);
	const owner =
		uuids.find(({ defaultSql }) => defaultSql?.includes('auth.uid()')) ??
		uuids.find(({ name }) => pointing.includes(name)) ??
		uuids.find(({ name }) => name === 'user_id');
	return owner?.name ?? null;
}
