import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, { N: number }, Buffer>(scrypt);

/** Far below what production needs: tests sign up often, and nothing here is secret. */
const COST = { N: 1024 };
const KEY_LENGTH = 32;

/** `<salt>:<key>`, both hexadecimal. */
export async function hashPassword(password: string): Promise<string> {
	const salt = randomBytes(16);
	return `${salt.toString('hex')}:${(await derive(password, salt, KEY_LENGTH, COST)).toString('hex')}`;
}

export async function isPassword(password: string, hash: string): Promise<boolean> {
	const [salt = '', key = ''] = hash.split(':').map((part) => Buffer.from(part, 'hex'));
	if (typeof salt === 'string' || typeof key === 'string' || key.length !== KEY_LENGTH) return false;
	return timingSafeEqual(await derive(password, salt, KEY_LENGTH, COST), key);
}
