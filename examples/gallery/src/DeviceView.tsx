import { SyncProvider } from '@pixora/pixsync/react';
import { Conflicts } from './Conflicts.tsx';
import { CreateForm } from './CreateForm.tsx';
import { Gallery } from './Gallery.tsx';
import { History } from './History.tsx';
import { Inspector } from './Inspector.tsx';
import { deviceOf } from './pixsync.ts';
import { Rejected } from './Rejected.tsx';
import { StatusBar } from './StatusBar.tsx';

export function DeviceView({ name }: { readonly name: string }) {
	const device = deviceOf(name);
	return (
		<SyncProvider manager={device.sync}>
			<section className="device" aria-label={`${name}’s device`}>
				<StatusBar device={device} />
				<Rejected />
				<CreateForm />
				<Gallery />
				<History />
				<Inspector device={device} />
				<Conflicts />
			</section>
		</SyncProvider>
	);
}
