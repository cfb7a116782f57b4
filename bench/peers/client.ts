import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import type { Site } from '../contestant.ts';

/** A client as PixSync's is: signed out, and without Realtime, which the emulator lacks. */
export function createPeerClient({ url, key }: Site): SupabaseClient {
	const client = createClient(url, key, {
		auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
	});
	const channel = { on: () => channel, subscribe: () => channel };
	Object.assign(client, { channel: () => channel, removeChannel: async () => 'ok' });
	return client;
}
