const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Fills the bytes with cryptographic randomness and returns them, as `crypto.getRandomValues` does. */
export type RandomSource = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array;

/**
 * A UUIDv7 (RFC 9562, 5.7) in lower case: 48 bits of Unix ms, 74 random bits.
 * Two of one millisecond have no order between them.
 */
export function createUuidV7(nowMs: number, random: RandomSource): string {
	const time = Math.floor(nowMs).toString(16).padStart(12, '0');
	const noise = Array.from(random(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, '0')).join('');
	const variant = (8 + (Number.parseInt(noise.slice(3, 4), 16) & 3)).toString(16);
	return `${time.slice(0, 8)}-${time.slice(8)}-7${noise.slice(0, 3)}-${variant}${noise.slice(4, 7)}-${noise.slice(7, 19)}`;
}

/** The text form that PostgreSQL writes, any version, either case. */
export function isUuid(text: unknown): text is string {
	return typeof text === 'string' && UUID.test(text);
}
