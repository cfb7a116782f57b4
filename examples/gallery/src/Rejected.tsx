import { useRejected } from '@pixora/pixsync/react';

/** Changes that the server refused, with the way out: edit and send again, or let go. */
export function Rejected() {
	const { rejected, retry, discard } = useRejected('generations');
	if (rejected.length === 0) return null;
	return (
		<ul className="rejected" aria-label="Refused changes">
			{rejected.map(({ id, data, error }) => (
				<li key={id}>
					<p title={error.message}>The server refused this change ({error.code}).</p>
					<form
						action={async (form) => {
							await retry(id, { prompt: String(form.get('prompt')) });
						}}
					>
						<input name="prompt" aria-label="Refused prompt" defaultValue={String(data?.prompt ?? '')} />
						<button type="submit">Try again</button>
						<button type="button" onClick={() => void discard(id)}>
							Discard
						</button>
					</form>
				</li>
			))}
		</ul>
	);
}
