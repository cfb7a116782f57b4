import { type SyncStatusName, useNetworkStatus, useSyncStatus } from '@pixora/pixsync/react';
import { useSyncExternalStore } from 'react';
import type { Device } from './pixsync.ts';

const WORDS: Readonly<Record<SyncStatusName, string>> = {
	starting: 'Starting',
	error: 'Needs attention',
	unauthorised: 'Signed out',
	offline: 'Offline',
	syncing: 'Syncing',
	retrying: 'Trying again',
	pending: 'Waiting',
	synced: 'Up to date',
};

export function StatusBar({ device }: { readonly device: Device }) {
	const { name, network } = device;
	const { status, pending, conflicts, error, sync } = useSyncStatus();
	const { quality } = useNetworkStatus();
	const isOn = useSyncExternalStore(network.subscribe, network.isOn);
	return (
		<header className="status-bar">
			<h2>{name}</h2>
			<p
				className={`status is-${status}`}
				role="status"
				title={error ? `${error.message}. ${error.hint}` : ''}
			>
				{WORDS[status]}
				{pending > 0 && ` · ${pending} to upload`}
				{conflicts > 0 && ` · ${conflicts} to decide`}
			</p>
			<p className="quality">
				Network: <b>{quality}</b>
			</p>
			<div className="actions">
				<label className="switch">
					<input type="checkbox" checked={!isOn} onChange={network.toggle} />
					Offline
				</label>
				<button type="button" onClick={() => void sync()}>
					Sync now
				</button>
				<a href={`?device=${name}`} target="_blank" rel="noreferrer" aria-label={`Open ${name} in a new tab`}>
					New tab ↗
				</a>
			</div>
		</header>
	);
}
