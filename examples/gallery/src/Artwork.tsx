/** A small picture that is always the same for an id. */
export function Artwork({ id, hue }: { readonly id: string; readonly hue: number }) {
	const bytes = id.replaceAll('-', '').slice(-18);
	const shapes = [0, 1, 2, 3, 4].map((at) => {
		const [x = 0, y = 0, size = 0] = [0, 1, 2].map((part) =>
			Number.parseInt(bytes.slice(at * 3 + part, at * 3 + part + 2), 16),
		);
		return { at, x: (x / 255) * 160, y: (y / 255) * 90, r: 12 + size / 9, hue: hue + at * 22 };
	});
	return (
		<svg className="artwork" viewBox="0 0 160 90" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
			<rect width="160" height="90" fill={`hsl(${hue} 45% 32%)`} />
			{shapes.map(({ at, x, y, r, hue: own }) => (
				<circle key={at} cx={x} cy={y} r={r} fill={`hsl(${own} 70% ${45 + at * 7}% / 0.6)`} />
			))}
		</svg>
	);
}
