import { unreachable } from '../../core/errors.ts';
import type { TableSpec } from '../../core/table-spec.ts';
import { type Check, type CheckedTable, toFinding, UNKNOWN } from '../check.ts';
import type { Finding } from '../finding.ts';
import { qualifiedName, quoteName, toShortName } from '../sql-text.ts';

/** Whether a trigger moves the timestamp forward at every change, whoever makes it (F8, F15, F58; R17). */
export const stampCheck: Check = {
	name: 'stamp',
	run(table) {
		const { stamp } = table.facts;
		if (stamp === null) return UNKNOWN;
		switch (stamp.kind) {
			case 'untried':
				return [untried(table, stamp.reason)];
			case 'tried':
				if (!stamp.onUpdate) return [missing(table)];
				return [
					...(stamp.onInsert ? [] : [withoutInsert(table)]),
					...(stamp.isPartial ? [partial(table)] : []),
					...(stamp.moves ? (stamp.isTimeOfWrite ? [] : [early(table)]) : [standing(table)]),
				];
			default:
				return unreachable(stamp);
		}
	},
};

function missing(table: CheckedTable): Finding {
	return toFinding('error', table, 'stamp-missing', {
		problem: `No trigger sets "${table.spec.timestampField}" at every update.`,
		why: 'Changes made elsewhere that do not set the column are never downloaded, and a device with a wrong clock writes wrong versions.',
		mend: 'Add the trigger.',
		sql: stampSql(table.spec, table.schema),
	});
}

function withoutInsert(table: CheckedTable): Finding {
	return toFinding('warning', table, 'stamp-insert', {
		problem: `No trigger sets "${table.spec.timestampField}" when a row is inserted.`,
		why: 'A row then carries the time that its device sent, and can land behind the other devices’ checkpoints.',
		mend: 'Stamp inserts too.',
		sql: stampSql(table.spec, table.schema),
	});
}

function partial(table: CheckedTable): Finding {
	return toFinding('warning', table, 'stamp-partial', {
		problem: `The trigger that sets "${table.spec.timestampField}" fires for some columns only (UPDATE OF).`,
		why: 'Changes of the other columns that are made elsewhere are never downloaded.',
		mend: 'Add a trigger for all columns.',
		sql: stampSql(table.spec, table.schema),
	});
}

function standing(table: CheckedTable): Finding {
	return toFinding('warning', table, 'stamp-stands-still', {
		problem: `Two changes in one transaction, or while the clock is set back, get the same or an earlier "${table.spec.timestampField}".`,
		why: 'A version that does not move hides a conflict, and the second change overwrites the first unseen.',
		mend: 'Use clock_timestamp(), and always more than the old value.',
		sql: stampSql(table.spec, table.schema),
	});
}

function early(table: CheckedTable): Finding {
	return toFinding('warning', table, 'stamp-transaction-time', {
		problem: `"${table.spec.timestampField}" gets the time at which the transaction began, as now() tells it.`,
		why: 'The longer a transaction is, the further its rows slip behind the checkpoints of devices, which then miss them.',
		mend: 'Use clock_timestamp().',
		sql: stampSql(table.spec, table.schema),
	});
}

function untried(table: CheckedTable, reason: string): Finding {
	return toFinding('info', table, 'stamp-untried', {
		problem: `A trigger seems to set "${table.spec.timestampField}", but could not be tried: ${reason}.`,
		why: 'Whether each change gets a new, later version is not known.',
		mend: 'Look at it, or add this one, which runs after it.',
		sql: stampSql(table.spec, table.schema),
	});
}

/** PostgreSQL fires triggers in the order of their names: this one has the last word. */
export function stampSql(spec: TableSpec, schema: string): string {
	const column = quoteName(spec.timestampField);
	const touch = qualifiedName(schema, toShortName(`pixsync_touch_${spec.timestampField}`));
	return `create or replace function ${touch}() returns trigger language plpgsql set search_path = '' as $pixsync$
begin
	new.${column} := greatest(clock_timestamp(), old.${column} + interval '1 microsecond');
	return new;
end $pixsync$;
create or replace trigger ${quoteName(toShortName(`zz_pixsync_touch_${spec.timestampField}`))}
	before insert or update on ${qualifiedName(schema, spec.table)}
	for each row execute function ${touch}();`;
}
