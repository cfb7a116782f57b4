const DONE = /^xstate\.done\.actor\.(.+)$/;
const ERROR = /^xstate\.error\.actor\.(.+)$/;
const DONE_STATE = /^xstate\.done\.state\.(.+)$/;
const AFTER = /^xstate\.after\.(.+)$/;

/**
 * An event's type as a reader has it: 'upload done', 'upload error', 'after backoff'. '' is the event of a
 * transition that needs none. `stateId`: whose transition it is, for a delay's event ends with it.
 */
export function toEventName(event: string, stateId: string): string {
	if (event === '') return 'always';
	const done = DONE.exec(event)?.[1];
	if (done !== undefined) return `${done} done`;
	const failed = ERROR.exec(event)?.[1];
	if (failed !== undefined) return `${failed} error`;
	const finished = DONE_STATE.exec(event)?.[1];
	if (finished !== undefined) return `${finished} finished`;
	const delay = AFTER.exec(event)?.[1];
	if (delay === undefined) return event;
	const name = delay.endsWith(`.${stateId}`) ? delay.slice(0, -stateId.length - 1) : delay;
	return /^\d+$/.test(name) ? `after ${name} ms` : `after ${name}`;
}
