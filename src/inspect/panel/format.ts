import { unreachable } from '../../core/errors.ts';
import type { EntryCounts, EntryError, InspectionEntry } from '../inspection-entry.ts';

/** Shown where something is not known. */
export const UNKNOWN = '–';

/** Local time of day, with ms where events follow one another closely. */
export function toTime(at: number, withMs = false): string {
	const date = new Date(at);
	const parts = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
		`${part}`.padStart(2, '0'),
	);
	return parts.join(':') + (withMs ? `.${`${date.getMilliseconds()}`.padStart(3, '0')}` : '');
}

/** Whole seconds to go, rounded up; 'now' when the time has come. */
export function toCountdown(at: number, now: number): string {
	const seconds = Math.ceil((at - now) / 1000);
	if (seconds <= 0) return 'now';
	if (seconds < 60) return `in ${seconds} s`;
	return `in ${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** What an entry says, and what to add to it in a lower voice. */
export function toEntryText(entry: InspectionEntry): { readonly text: string; readonly detail: string } {
	switch (entry.kind) {
		case 'transition':
			return { text: `${entry.from} → ${entry.to}`, detail: toEventName(entry.event) };
		case 'event':
			return { text: toEventName(entry.event), detail: entry.effect };
		case 'service.begun':
			return { text: `${entry.service} begun`, detail: '' };
		case 'service.done':
			return { text: `${entry.service} done`, detail: join([...toCountTexts(entry.counts), toMs(entry.ms)]) };
		case 'service.failed':
			return { text: `${entry.service} failed`, detail: join([toErrorText(entry.error), toMs(entry.ms)]) };
		case 'service.stopped':
			return { text: `${entry.service} called off`, detail: toMs(entry.ms) };
		case 'request': {
			const rows = entry.rows === null ? '' : toPlural(entry.rows, 'row');
			return { text: `${entry.method} ${entry.status ?? 'no answer'}`, detail: join([rows, toMs(entry.ms)]) };
		}
		case 'retry': {
			const attempts = entry.attempts > 0 ? `after ${toPlural(entry.attempts, 'attempt')}` : 'rows wait';
			return { text: `retry at ${toTime(entry.retryAt)}`, detail: attempts };
		}
		case 'conflict':
			return { text: `conflict: ${entry.outcome}`, detail: `row ${entry.id}` };
		case 'error':
			return { text: `error ${toErrorText(entry.error)}`, detail: '' };
		default:
			return unreachable(entry);
	}
}

export function toErrorText({ code, fault }: EntryError): string {
	return `${code} (${fault})`;
}

/** XState's own names of ends and delays, as one would say them. */
function toEventName(type: string): string {
	const end = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type);
	if (end) return `${end[2]} ${end[1] === 'done' ? 'done' : 'failed'}`;
	const delay = /^xstate\.after\.([^.]+)\./.exec(type);
	return delay ? `after ${delay[1]}` : type;
}

function toCountTexts(counts: EntryCounts | null): readonly string[] {
	if (!counts) return [];
	const { uploaded, downloaded, conflicts, errors } = counts;
	return [
		uploaded > 0 ? `${uploaded} uploaded` : '',
		downloaded > 0 ? `${downloaded} downloaded` : '',
		conflicts > 0 ? toPlural(conflicts, 'conflict') : '',
		errors > 0 ? toPlural(errors, 'error') : '',
	];
}

function toPlural(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function toMs(ms: number): string {
	return `${Math.round(ms)} ms`;
}

function join(parts: readonly string[]): string {
	return parts.filter((part) => part !== '').join(' · ');
}
