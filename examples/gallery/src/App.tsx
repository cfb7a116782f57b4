import { DeviceView } from './DeviceView.tsx';

/** Both devices side by side; `?device=alice`: one alone, as in a further tab. */
export function App() {
	const alone = new URLSearchParams(location.search).get('device');
	const names = alone ? [alone] : ['alice', 'bob'];
	return (
		<>
			<header className="page-header">
				<h1>PixoRA gallery</h1>
				<p>
					Works offline, syncs with Supabase. Take a device offline, edit the same image on both, and bring it
					back.
				</p>
			</header>
			<main className={alone ? 'devices is-alone' : 'devices'}>
				{names.map((name) => (
					<DeviceView key={name} name={name} />
				))}
			</main>
		</>
	);
}
