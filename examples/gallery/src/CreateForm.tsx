import { useSyncManager } from '@pixora/pixsync/react';
import type { FormEvent } from 'react';
import type { Generation } from './pixsync.ts';

export function CreateForm() {
	const sync = useSyncManager();

	async function create(event: FormEvent<HTMLFormElement>) {
		event.preventDefault();
		const form = event.currentTarget;
		const prompt = String(new FormData(form).get('prompt')).trim();
		if (!prompt) return;
		form.reset();
		await sync.table<Generation>('generations').create({
			...{ prompt, hue: Math.floor(Math.random() * 360), favourite: false },
		});
	}

	return (
		<form className="create" onSubmit={create}>
			<input name="prompt" aria-label="New prompt" placeholder="Describe an image …" autoComplete="off" />
			<button type="submit" className="primary">
				Create
			</button>
		</form>
	);
}
