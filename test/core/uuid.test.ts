import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUuidV7, isUuid } from '../../src/core/uuid.ts';

/** Hands out the given bytes. */
function bytesOf(source: Uint8Array): (bytes: Uint8Array) => Uint8Array {
	return (bytes) => {
		bytes.set(source.subarray(0, bytes.length));
		return bytes;
	};
}

describe('createUuidV7', () => {
	it('[R3] is a version 7 UUID that holds its time', () => {
		const noise = fc.uint8Array({ minLength: 16, maxLength: 16 });
		fc.assert(
			fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), noise, (now, random) => {
				const uuid = createUuidV7(now, bytesOf(random));
				expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
				expect(Number.parseInt(uuid.replace('-', '').slice(0, 12), 16)).toBe(now);
			}),
		);
	});

	it('[R3] sorts by time as text', () => {
		const zeros = bytesOf(new Uint8Array(16));
		const ones = bytesOf(new Uint8Array(16).fill(255));
		expect(createUuidV7(1_000, ones) < createUuidV7(1_001, zeros)).toBe(true);
		expect(createUuidV7(1_000.9, zeros)).toBe(createUuidV7(1_000, zeros));
	});

	it('[R3] carries 74 random bits', () => {
		const uuid = createUuidV7(0, bytesOf(new Uint8Array(16).fill(255)));
		expect(uuid).toBe('00000000-0000-7fff-bfff-ffffffffffff');
	});

	it('[R3] puts every byte in its place', () => {
		const bytes = Uint8Array.from([0x01, 0x2f, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0xfe]);
		expect(createUuidV7(0x0123_4567_89ab, bytesOf(bytes))).toBe('01234567-89ab-7012-b0a0-b0c0d0e0f10f');
	});

	it('[R3] works with the platform source', () => {
		const make = () => createUuidV7(1_700_000_000_000, (bytes) => crypto.getRandomValues(bytes));
		expect(new Set(Array.from({ length: 1_000 }, make)).size).toBe(1_000);
	});
});

describe('isUuid', () => {
	it('[R3] takes any version in either case, and nothing else', () => {
		expect(isUuid('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11')).toBe(true);
		expect(isUuid('00000000-0000-0000-0000-000000000000')).toBe(true);
		fc.assert(fc.property(fc.uuid(), (uuid) => isUuid(uuid)));
		for (const text of [
			'',
			'note-1',
			'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
			'a0eebc999c0b4ef8bb6d6bb9bd380a11',
			7,
		]) {
			expect(isUuid(text)).toBe(false);
		}
		expect(isUuid('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n')).toBe(false);
	});
});
