import { useConflicts } from '@pixora/pixsync/react';
import { useEffect, useRef, useState } from 'react';
import type { Generation } from './pixsync.ts';

type Conflict = ReturnType<typeof useConflicts<Generation>>['conflicts'][number];
type Decide = (decision: 'local' | 'remote' | Generation) => Promise<void>;

/** Shows the conflict that has waited longest, when the reader asks for it. */
export function Conflicts() {
	const { conflicts, resolve } = useConflicts<Generation>('generations');
	const [isOpen, setIsOpen] = useState(false);
	const [first] = conflicts;
	if (!first) return null;
	return (
		<div className="banner" role="alert">
			<span>
				{conflicts.length === 1 ? 'One image was' : `${conflicts.length} images were`} changed on both
				devices.
			</span>
			<button type="button" onClick={() => setIsOpen(true)}>
				Decide
			</button>
			{isOpen && (
				<ConflictDialog
					key={first.id}
					conflict={first}
					close={() => setIsOpen(false)}
					decide={async (decision) => {
						setIsOpen(false);
						await resolve(first.id, decision);
					}}
				/>
			)}
		</div>
	);
}

interface DialogProps {
	readonly conflict: Conflict;
	readonly decide: Decide;
	readonly close: () => void;
}

function ConflictDialog({ conflict, decide, close }: DialogProps) {
	const { base, local, remote } = conflict;
	const dialog = useRef<HTMLDialogElement>(null);
	const whole = local ?? remote;
	const [merged, setMerged] = useState(local?.prompt ?? remote?.prompt ?? '');
	useEffect(() => dialog.current?.showModal(), []);
	return (
		<dialog ref={dialog} onClose={close} aria-label="Two versions of one image">
			<h3>Two versions of one image</h3>
			<dl className="versions">
				<Version title="Before" row={base} />
				<Version title="Yours" row={local} />
				<Version title="Theirs" row={remote} />
			</dl>
			<label className="merged">
				Both in one
				<input value={merged} onChange={(event) => setMerged(event.target.value)} />
			</label>
			<div className="dialog-actions">
				<button type="button" onClick={() => void decide('local')}>
					Keep yours
				</button>
				<button type="button" onClick={() => void decide('remote')}>
					Take theirs
				</button>
				{whole && (
					<button type="button" className="primary" onClick={() => void decide({ ...whole, prompt: merged })}>
						Save both in one
					</button>
				)}
			</div>
		</dialog>
	);
}

function Version({ title, row }: { readonly title: string; readonly row: Generation | null }) {
	return (
		<div>
			<dt>{title}</dt>
			<dd>{row ? `${row.prompt}${row.favourite ? ' ★' : ''}` : 'Deleted'}</dd>
		</div>
	);
}
