import { PixSyncError } from '../core/errors.ts';
import { isRecord } from '../core/is-record.ts';
import type { SyncNoticeName } from '../core/sync-notice.ts';

/** Another number: the other tab runs a version that is not understood, and neither listens to the other. */
const PROTOCOL = 1;

/** What may be asked of the leading tab. Each may be asked twice: the second one finds nothing to do. */
export type TabCallName = 'sync' | 'reconcile' | 'clearSyncQueue';

/** What tabs of one database tell each other. Plain data, as BroadcastChannel copies it. */
export type TabMessage =
	/** Of a new tab: who leads? */
	| { readonly kind: 'hello' }
	/** Of the leader, every two seconds, and at once as it begins. */
	| { readonly kind: 'beat'; readonly epoch: number }
	/** Of the leader: what its engine does. */
	| { readonly kind: 'state'; readonly state: unknown }
	/** Of the leader: what it told its own listeners. */
	| { readonly kind: 'notice'; readonly name: SyncNoticeName; readonly notice: unknown }
	/** Of a follower: there is something to upload. */
	| { readonly kind: 'queued'; readonly tables: readonly string[] }
	| {
			readonly kind: 'call';
			readonly id: string;
			readonly name: TabCallName;
			readonly args: readonly unknown[];
	  }
	| { readonly kind: 'answer'; readonly id: string; readonly value?: unknown; readonly error?: PlainError };

/** A PixSyncError as plain data. */
export interface PlainError {
	readonly code: string;
	readonly message: string;
	readonly hint: string;
	readonly fault: string;
	readonly table?: string;
	readonly id?: string | number;
}

export interface Envelope {
	/** A name that the sending tab gave itself. */
	readonly from: string;
	readonly message: TabMessage;
}

export function toWire({ from, message }: Envelope): unknown {
	return { pixsync: PROTOCOL, from, message };
}

const KINDS: ReadonlySet<unknown> = new Set<TabMessage['kind']>([
	'hello',
	'beat',
	'state',
	'notice',
	'queued',
	'call',
	'answer',
]);

/** @returns null for what is no message of this protocol. */
export function fromWire(data: unknown): Envelope | null {
	if (!isRecord(data) || data.pixsync !== PROTOCOL || typeof data.from !== 'string') return null;
	const { message } = data;
	if (!isRecord(message) || !KINDS.has(message.kind)) return null;
	if (message.kind === 'beat' && typeof message.epoch !== 'number') return null;
	if (message.kind === 'queued' && !isTexts(message.tables)) return null;
	if (message.kind === 'call' && !(typeof message.id === 'string' && Array.isArray(message.args)))
		return null;
	return { from: data.from, message: message as unknown as TabMessage };
}

export function toPlainError({ code, message, hint, fault, table, id }: PixSyncError): PlainError {
	return {
		...{ code, message, hint, fault },
		...(table === undefined ? {} : { table }),
		...(id === undefined ? {} : { id }),
	};
}

export function fromPlainError({ code, message, ...more }: PlainError): PixSyncError {
	// Of the same package, if perhaps of another release: a code that is not known here is told as it is.
	return new PixSyncError(code, message, more as ConstructorParameters<typeof PixSyncError>[2]);
}

/** A notice as plain data: an error in it travels as what it says. */
export function toPlainNotice(notice: object): unknown {
	const { error } = notice as { error?: unknown };
	return error instanceof PixSyncError
		? { ...notice, error: { isError: true, ...toPlainError(error) } }
		: notice;
}

export function fromPlainNotice(notice: unknown): unknown {
	if (!isRecord(notice) || !isRecord(notice.error) || notice.error.isError !== true) return notice;
	const { isError: _, ...plain } = notice.error;
	return { ...notice, error: fromPlainError(plain as unknown as PlainError) };
}

function isTexts(value: unknown): value is readonly string[] {
	return Array.isArray(value) && value.every((element) => typeof element === 'string');
}
