import { useRowState, useSyncManager } from '@pixora/pixsync/react';
import { memo, useState } from 'react';
import { Artwork } from './Artwork.tsx';
import type { Generation } from './pixsync.ts';

const BADGES = { pending: 'Waiting', conflicted: 'Conflict', rejected: 'Refused', synced: '', absent: '' };

export const GenerationCard = memo(({ generation }: { readonly generation: Generation }) => {
	const { id, prompt, hue, favourite } = generation;
	const table = useSyncManager().table<Generation>('generations');
	const status = useRowState('generations', id)?.status ?? 'synced';
	const [isEditing, setIsEditing] = useState(false);

	return (
		<li className="card">
			<Artwork id={id} hue={hue} />
			<span className={`badge is-${status}`}>{BADGES[status]}</span>
			{isEditing ? (
				<form
					action={async (data) => {
						setIsEditing(false);
						await table.update(id, { prompt: String(data.get('prompt')) });
					}}
					onKeyDown={(event) => event.key === 'Escape' && setIsEditing(false)}
				>
					{/* biome-ignore lint/a11y/noAutofocus: the reader has just asked to edit */}
					<input name="prompt" aria-label="Prompt" defaultValue={prompt} autoFocus />
					<button type="submit">Save</button>
				</form>
			) : (
				<p className="prompt">{prompt}</p>
			)}
			<div className="card-actions">
				<button
					type="button"
					aria-label={`Favourite: ${prompt}`}
					aria-pressed={favourite}
					onClick={() => void table.update(id, { favourite: !favourite })}
				>
					{favourite ? '★' : '☆'}
				</button>
				<button type="button" aria-label={`Edit: ${prompt}`} onClick={() => setIsEditing(!isEditing)}>
					Edit
				</button>
				<button type="button" aria-label={`Delete: ${prompt}`} onClick={() => void table.remove(id)}>
					Delete
				</button>
			</div>
		</li>
	);
});
