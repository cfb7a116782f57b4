import { toPixSyncError } from '../core/errors.ts';
import type { TableSpec } from '../core/table-spec.ts';
import type { Session } from '../services/session.ts';
import type { SupabaseAccess } from '../services/supabase-access.ts';
import type { CheckedTable } from './check.ts';
import { CHECKS, diagnoseTables } from './diagnose-table.ts';
import { factsFromOpenApi, toOpenApi } from './facts-from-openapi.ts';
import { factsFromReads } from './facts-from-reads.ts';
import { type Diagnosis, type Finding, toDiagnosis } from './finding.ts';
import { createRestReader, type RestReader } from './rest-reader.ts';

export interface ClientDiagnosisOptions {
	readonly access: SupabaseAccess;
	readonly session: Session;
	readonly specs: readonly TableSpec[];
	readonly schema: string;
	readonly timeoutMs: number;
}

/**
 * What an app's own client can see of its tables: PostgREST's OpenAPI root and reads of one row. Sends nothing
 * that writes. Never rejects for what it cannot reach: that is unknown.
 */
export async function diagnoseClient(options: ClientDiagnosisOptions): Promise<Diagnosis> {
	const { access, session, specs, schema, timeoutMs } = options;
	try {
		const userId = (await session.identify()) ?? null;
		const token = () => session.authorise(userId);
		const read = createRestReader({ access, token, schema, timeoutMs });
		const tables = await lookAt(read, specs, schema, userId !== null);
		const { findings, unknown } = diagnoseTables(tables);
		return toDiagnosis(userId === null ? [signedOut(), ...findings] : findings, unknown);
	} catch (error) {
		const checks = CHECKS.map(({ name }) => name);
		return toDiagnosis(
			[unreachable(error)],
			specs.map(({ table }) => ({ table, checks })),
		);
	}
}

async function lookAt(
	read: RestReader,
	specs: readonly TableSpec[],
	schema: string,
	isSignedIn: boolean,
): Promise<readonly CheckedTable[]> {
	// A hosted project may keep it to itself.
	const openApi = toOpenApi((await read('')).body);
	const names = specs.map(({ table }) => table);
	return Promise.all(
		specs.map(async (spec) => {
			const known = openApi && factsFromOpenApi(openApi, spec.table);
			return { spec, schema, tables: names, facts: await factsFromReads(read, spec, known, isSignedIn) };
		}),
	);
}

function signedOut(): Finding {
	return {
		severity: 'info',
		table: null,
		code: 'signed-out',
		problem: 'Nobody is signed in.',
		why: 'What was looked at is what the public key shows, which says little of what your users see.',
		mend: 'Sign in and look again.',
		sql: null,
	};
}

function unreachable(cause: unknown): Finding {
	const { message, code, hint } = toPixSyncError(cause);
	return {
		severity: 'error',
		table: null,
		code: 'unreachable',
		problem: `The tables could not be looked at: ${message} (${code}).`,
		why: 'Nothing can be said of them, and nothing is synced meanwhile.',
		mend: hint,
		sql: null,
	};
}
