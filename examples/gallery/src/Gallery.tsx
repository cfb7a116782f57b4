import { useLiveRows } from '@pixora/pixsync/react';
import { GenerationCard } from './GenerationCard.tsx';
import type { Generation } from './pixsync.ts';

export function Gallery() {
	// Ids are made in the order of time: the newest first.
	const generations = useLiveRows<Generation>('generations', (rows) =>
		rows.orderBy(':id').reverse().limit(60),
	);
	if (!generations) return <p className="empty">Opening …</p>;
	if (generations.length === 0) return <p className="empty">No images yet.</p>;
	return (
		<ul className="gallery">
			{generations.map((generation) => (
				<GenerationCard key={generation.id} generation={generation} />
			))}
		</ul>
	);
}
