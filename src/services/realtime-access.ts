/** The part of a channel of supabase-js that pokes need. */
export interface RealtimeChannelLike {
	on(type: string, filter: object, callback: (payload: unknown) => void): unknown;
	subscribe(callback: (status: string) => void): unknown;
}

/** The client's Realtime; another copy of supabase-js, or a newer one, will do. */
export interface RealtimeAccess {
	channel(name: string): RealtimeChannelLike;
	removeChannel(channel: RealtimeChannelLike): Promise<unknown>;
	/** Makes the socket take the session's present token, which a client with `accessToken` does not do by itself. */
	setAuth(): Promise<unknown>;
}

/** @returns null for a client that has no Realtime. */
export function toRealtimeAccess(client: Readonly<Record<string, unknown>>): RealtimeAccess | null {
	const { channel, removeChannel, realtime } = client;
	if (typeof channel !== 'function' || typeof removeChannel !== 'function') return null;
	return {
		channel: (name) => channel.call(client, name) as RealtimeChannelLike,
		removeChannel: async (joined) => removeChannel.call(client, joined),
		async setAuth() {
			const holder = realtime as { setAuth?: () => unknown } | null | undefined;
			// Without a token of its own: one that is given stays for good, also for the app's own channels.
			await holder?.setAuth?.();
		},
	};
}
