import { useSyncExternalStore } from 'react';
import { type NetworkStatus, networkMonitor } from '../services/network-monitor.ts';
import { useManagerIfAny } from './provider.ts';

/** On a server nothing is known: as a browser without the API says it. */
const UNKNOWN: NetworkStatus = { isOnline: true, quality: 'good' };

/** Whether the server is within reach, and how well: of the provider's manager, or without one of the shared monitor. */
export function useNetworkStatus(): NetworkStatus {
	const { subscribe, getStatus } = useManagerIfAny()?.networkMonitor ?? networkMonitor;
	return useSyncExternalStore(subscribe, getStatus, () => UNKNOWN);
}
