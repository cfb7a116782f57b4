import { randomBytes, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { hashPassword, isPassword } from './auth-password.ts';

export interface UserRow {
	readonly id: string;
	readonly email: string | null;
	readonly encrypted_password: string | null;
	readonly raw_user_meta_data: Readonly<Record<string, unknown>>;
	readonly last_sign_in_at: string | null;
	readonly created_at: string;
	readonly updated_at: string;
}

export interface RefreshTokenRow {
	readonly token: string;
	readonly session_id: string;
	readonly user_id: string;
}

/** A refresh token exchanged, or why it was not. */
export type Rotation =
	| { readonly kind: 'rotated'; readonly next: RefreshTokenRow }
	| { readonly kind: 'unknown' }
	| { readonly kind: 'already-used' };

export type LogoutScope = 'global' | 'local' | 'others';

/** Users and sessions in the tables `auth.users` and `auth.refresh_tokens`, which tests may read and change. */
export interface AuthStore {
	/** `undefined` when the address is taken. */
	createUser(email: string, password: string, metadata: object): Promise<UserRow | undefined>;
	/** `undefined` for a wrong address or password. */
	findByPassword(email: string, password: string): Promise<UserRow | undefined>;
	findById(id: string): Promise<UserRow | undefined>;
	openSession(userId: string): Promise<RefreshTokenRow>;
	hasSession(sessionId: string): Promise<boolean>;
	/**
	 * Each token works once, but for `reuseIntervalS` seconds after that it returns its successor again: the
	 * answer may have been lost. A later reuse ends the session.
	 */
	rotate(token: string, reuseIntervalS: number): Promise<Rotation>;
	endSessions(userId: string, sessionId: string, scope: LogoutScope): Promise<void>;
}

export function createAuthStore(pool: Pool): AuthStore {
	async function one<Row extends object>(text: string, params: readonly unknown[]): Promise<Row | undefined> {
		const { rows } = await pool.query<Row>(text, [...params]);
		return rows[0];
	}

	async function issue(userId: string, sessionId: string): Promise<RefreshTokenRow> {
		const token = randomBytes(9).toString('base64url');
		await pool.query('insert into auth.refresh_tokens (token, session_id, user_id) values ($1, $2, $3)', [
			token,
			sessionId,
			userId,
		]);
		return { token, session_id: sessionId, user_id: userId };
	}

	return {
		async createUser(email, password, metadata) {
			return one<UserRow>(
				`insert into auth.users (email, encrypted_password, raw_user_meta_data)
				values (lower($1), $2, $3) on conflict (email) do nothing returning *`,
				[email, await hashPassword(password), JSON.stringify(metadata)],
			);
		},
		async findByPassword(email, password) {
			const user = await one<UserRow>('select * from auth.users where email = lower($1)', [email]);
			if (!user?.encrypted_password) return undefined;
			return (await isPassword(password, user.encrypted_password)) ? user : undefined;
		},
		findById: (id) => one<UserRow>('select * from auth.users where id = $1', [id]),
		async openSession(userId) {
			await pool.query('update auth.users set last_sign_in_at = clock_timestamp() where id = $1', [userId]);
			return issue(userId, randomUUID());
		},
		async hasSession(sessionId) {
			const text = 'select 1 from auth.refresh_tokens where session_id = $1 and revoked_at is null';
			return (await one(text, [sessionId])) !== undefined;
		},
		async rotate(token, reuseIntervalS) {
			const revoked = await one<RefreshTokenRow>(
				`update auth.refresh_tokens set revoked_at = clock_timestamp()
				where token = $1 and revoked_at is null returning token, session_id, user_id`,
				[token],
			);
			if (revoked) return { kind: 'rotated', next: await issue(revoked.user_id, revoked.session_id) };
			const used = await one<{ session_id: string; is_recent: boolean }>(
				`select session_id, clock_timestamp() < revoked_at + make_interval(secs => $2) as is_recent
				from auth.refresh_tokens where token = $1`,
				[token, reuseIntervalS],
			);
			if (!used) return { kind: 'unknown' };
			const next = await one<RefreshTokenRow>(
				'select * from auth.refresh_tokens where session_id = $1 and revoked_at is null',
				[used.session_id],
			);
			if (used.is_recent && next) return { kind: 'rotated', next };
			await pool.query('delete from auth.refresh_tokens where session_id = $1', [used.session_id]);
			return { kind: 'already-used' };
		},
		async endSessions(userId, sessionId, scope) {
			const which = { global: 'true', local: 'session_id = $2', others: 'session_id <> $2' }[scope];
			await pool.query(
				`delete from auth.refresh_tokens where user_id = $1 and $2::uuid is not null and ${which}`,
				[userId, sessionId],
			);
		},
	};
}
