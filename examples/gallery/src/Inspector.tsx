import type { PixSyncInspectorElement } from '@pixora/pixsync/inspect';
import { useEffect, useRef, useState } from 'react';
import type { Device } from './pixsync.ts';

/** What the engine does: its statecharts, counts and log. */
export function Inspector({ device }: { readonly device: Device }) {
	const [isOpen, setIsOpen] = useState(false);
	const holder = useRef<HTMLDivElement>(null);
	useEffect(() => {
		if (!isOpen) return;
		const panel: PixSyncInspectorElement = document.createElement('pixsync-inspector');
		panel.sync = device.sync;
		panel.inspector = device.inspector;
		holder.current?.append(panel);
		return () => panel.remove();
	}, [isOpen, device]);
	return (
		<details className="inspector" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
			<summary>Inspector</summary>
			<div ref={holder} />
		</details>
	);
}
