import { PixSyncError } from '../../core/errors.ts';

/** PostgREST knows no such function, or the role may not call it. */
const MISSING: ReadonlySet<string> = new Set(['PGRST202', 'http-404', '42883']);

/** The error of a call of the project's own functions, where they are not there. */
export function explainCall(table: string, name: 'pixsync_push' | 'pixsync_pull', error: unknown): unknown {
	if (!(error instanceof PixSyncError) || !MISSING.has(error.code)) return error;
	return rpcMissing(table, `The project has no function ${name}`, error);
}

export function rpcMissing(table: string, message: string, cause?: PixSyncError): PixSyncError {
	return new PixSyncError('rpc-missing', message, {
		fault: 'fatal',
		table,
		...(cause ? { cause } : {}),
		hint: "Run the migration that `npx pixsync sql` prints, again after an update of PixSync, or use transport: 'rest'.",
	});
}
