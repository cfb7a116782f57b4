import {
	fromPromise,
	type NonReducibleUnknown,
	type ParameterizedObject,
	type PromiseActorLogic,
} from 'xstate';
import { PixSyncError } from '../core/errors.ts';

/**
 * A stub that fails loudly, for a machine's actors: an actor left out of `.provide` compiles, and without this it
 * would pass for one that never answers. Rejects with `not-provided`, which is fatal.
 */
export function notProvidedActor<TOutput, TInput = NonReducibleUnknown>(
	name: string,
): PromiseActorLogic<TOutput, TInput> {
	return fromPromise<TOutput, TInput>(() => Promise.reject(notProvided('actor', name)));
}

/** As {@link notProvidedActor}, for actions: throws, which ends the machine with `status: 'error'`. */
export function notProvidedAction<TParams extends ParameterizedObject['params'] | undefined = undefined>(
	name: string,
): (args: unknown, params: TParams) => never {
	return () => {
		throw notProvided('action', name);
	};
}

function notProvided(kind: 'actor' | 'action', name: string): PixSyncError {
	return new PixSyncError('not-provided', `The ${kind} '${name}' was not provided.`, {
		fault: 'fatal',
		hint: `Use createSyncMachine(services), or give the machine its ${kind}: machine.provide({ ${kind}s: { ${name}: … } }).`,
	});
}
