import { useLiveRows, useSyncProgress } from '@pixora/pixsync/react';
import { useDeferredValue, useState } from 'react';
import type { Prompt } from './pixsync.ts';

/** As many as schema.sql makes. */
const ALL = 20_000;

export function History() {
	const [typed, setTyped] = useState('');
	const text = useDeferredValue(typed.trim().toLowerCase());
	const { isDownloading, rowsRead } = useSyncProgress('prompt_history');
	const counted = useLiveRows<Prompt, number>('prompt_history', async (rows) => [await rows.count()]);
	const found = useLiveRows<Prompt>(
		'prompt_history',
		(rows) => rows.filter(({ prompt }) => prompt.includes(text)).limit(5),
		[text],
	);
	const count = counted?.[0] ?? 0;
	return (
		<details className="history">
			<summary>
				Prompt history: {count.toLocaleString('en')}
				{isDownloading && count < ALL && (
					<progress max={ALL} value={rowsRead} aria-label="Downloading the prompt history" />
				)}
			</summary>
			<input
				type="search"
				aria-label="Search prompts"
				placeholder="Search"
				value={typed}
				onChange={(event) => setTyped(event.target.value)}
			/>
			<ul>
				{found?.map(({ id, prompt }) => (
					<li key={id}>{prompt}</li>
				))}
			</ul>
		</details>
	);
}
