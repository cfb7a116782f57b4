import { createContext, createElement, type ReactElement, type ReactNode, useContext } from 'react';
import { PixSyncError } from '../core/errors.ts';
import type { SyncManager } from '../sync-manager.ts';

/** undefined: there is no provider; null: there is one, on a server. */
const SyncContext = createContext<SyncManager | null | undefined>(undefined);

export interface SyncProviderProps {
	/**
	 * Made by the app, outside of React, and closed by it: the provider neither makes nor ends one, so that
	 * StrictMode's second mount changes nothing. null, as on a server where there is no IndexedDB: hooks tell that
	 * nothing is known yet.
	 */
	readonly manager: SyncManager | null;
	readonly children?: ReactNode;
}

/** Gives the hooks below it their manager. */
export function SyncProvider({ manager, children }: SyncProviderProps): ReactElement {
	return createElement(SyncContext.Provider, { value: manager }, children);
}

/** The provider's manager. @throws PixSyncError `no-provider`; on a server too, where the provider has none. */
export function useSyncManager(): SyncManager {
	const manager = useProvidedManager();
	if (manager) return manager;
	throw noManager();
}

/** For the other hooks. @returns null on a server. @throws PixSyncError `no-provider`. */
export function useProvidedManager(): SyncManager | null {
	const manager = useContext(SyncContext);
	if (manager !== undefined) return manager;
	throw new PixSyncError('no-provider', 'A hook of PixSync is used outside of <SyncProvider>', {
		hint: 'Put <SyncProvider manager={sync}> around the component.',
	});
}

/** As `useProvidedManager`; undefined where there is no provider. */
export function useManagerIfAny(): SyncManager | null | undefined {
	return useContext(SyncContext);
}

/** Of a call that needs a manager where the provider has none. */
export function noManager(): PixSyncError {
	return new PixSyncError('no-provider', 'The <SyncProvider> here has no manager', {
		hint: 'Call it in an event handler or an effect, which do not run on a server.',
	});
}
