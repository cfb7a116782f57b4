import { isPixSyncError, unreachable } from '../core/errors.ts';
import { diagnoseDatabase } from '../doctor/diagnose-database.ts';
import type { Diagnosis } from '../doctor/finding.ts';
import { toReport } from '../doctor/report.ts';
import { toScript } from '../doctor/script.ts';
import { toMigration } from '../sql/migration.ts';
import { type DoctorArguments, toArguments, USAGE, UsageError } from './arguments.ts';
import { connect } from './connect.ts';

/** What a command line has of its process. */
export interface CliEnvironment {
	readonly env: Readonly<Record<string, string | undefined>>;
	readonly print: (text: string) => void;
	readonly complain: (text: string) => void;
}

/** Runs `pixsync` with what stands behind it. @returns the exit code: 0 well, 1 errors found, 2 could not look. */
export async function main(
	given: readonly string[],
	{ env, print, complain }: CliEnvironment,
): Promise<0 | 1 | 2> {
	try {
		const found = toArguments(given, env);
		if (!found) {
			print(USAGE);
			return 0;
		}
		if (found.command === 'sql') {
			print(toMigration(found.specs, found.schema));
			return 0;
		}
		const diagnosis = await diagnose(found);
		print(toText(diagnosis, found));
		return diagnosis.ok ? 0 : 1;
	} catch (error) {
		complain(toComplaint(error));
		return 2;
	}
}

async function diagnose({ db, schema, specs }: DoctorArguments): Promise<Diagnosis> {
	const connection = await connect(db);
	try {
		return await diagnoseDatabase(connection.query, schema, specs);
	} finally {
		await connection.close();
	}
}

function toText(diagnosis: Diagnosis, { form, specs }: DoctorArguments): string {
	switch (form) {
		case 'text':
			return toReport(
				diagnosis,
				specs.map(({ table }) => table),
			);
		case 'sql':
			return toScript(diagnosis);
		case 'json':
			return `${JSON.stringify(diagnosis, null, '\t')}\n`;
		default:
			return unreachable(form);
	}
}

function toComplaint(error: unknown): string {
	if (error instanceof UsageError) return `${error.message}\n\n${USAGE}`;
	if (isPixSyncError(error)) return `${error.message}. ${error.hint}\n`;
	// A refused connection is one error for each address, and has no message of its own.
	const { message = '', code = '' } = error as { message?: string; code?: string };
	return `The database could not be looked at: ${message || code || String(error)}\n`;
}
