import { toEntryError } from './error-code.ts';

/** Plain JSON. */
export type Redacted =
	| string
	| number
	| boolean
	| null
	| readonly Redacted[]
	| { readonly [field: string]: Redacted };

/** What an allowed field's value becomes; undefined: not what it should be, so it is left out. */
type Show = (value: unknown) => Redacted | undefined;

const number: Show = (value) => (typeof value === 'number' || value === null ? value : undefined);
const flag: Show = (value) => (typeof value === 'boolean' ? value : undefined);
const name: Show = (value) => (typeof value === 'string' ? value : undefined);
/** Tables: a list of their names, or what is kept by name. */
const names: Show = (value) => {
	if (typeof value !== 'object' || value === null) return undefined;
	return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : Object.keys(value);
};
const fields: Show = (value) => (typeof value === 'object' && value !== null ? redact(value) : undefined);
const error: Show = (value) => (value === null || value === undefined ? null : { ...toEntryError(value) });
const count: Show = (value) => (Array.isArray(value) ? value.length : number(value));

/** The fields of events, contexts and outputs that may be shown. What is not named here, is not. */
const SHOWN: Readonly<Record<string, Show>> = {
	// tables
	table: name,
	tables: names,
	dirty: names,
	dependsOn: names,
	// the gate and the schedule
	isHydrated: flag,
	isOnline: flag,
	isAuthorised: flag,
	isLeader: flag,
	isValid: flag,
	intervalMs: number,
	// a table's round
	request: number,
	requested: number,
	served: number,
	held: number,
	holdDeletes: flag,
	isForced: flag,
	isPoked: flag,
	isReauthorised: flag,
	awaitsSession: flag,
	pull: number,
	rowsRead: number,
	resolvings: number,
	attempts: number,
	retryInMs: number,
	nextRetryAt: number,
	lastSyncedAt: number,
	// steps and their outcomes
	uploaded: number,
	downloaded: number,
	conflicts: number,
	errors: count,
	resolved: count,
	waitingConflicts: number,
	waitUntil: number,
	more: flag,
	due: flag,
	error,
	// HTTP requests
	status: number,
	rows: number,
	ms: number,
	// what holds some of these
	counts: fields,
	output: fields,
	spec: fields,
	// the network
	browserOffline: flag,
	canProbe: flag,
	available: flag,
	misses: number,
	meanRttMs: number,
	rttMs: number,
};

/** The allowed fields of an object, by name; all else is left out, whatever it is. */
export function redact(value: object): { readonly [field: string]: Redacted } {
	const shown: Record<string, Redacted> = {};
	for (const [field, show] of Object.entries(SHOWN)) {
		if (!Object.hasOwn(value, field)) continue;
		const redacted = show((value as Record<string, unknown>)[field]);
		if (redacted !== undefined) shown[field] = redacted;
	}
	return shown;
}
