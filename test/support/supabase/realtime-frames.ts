import type { WebSocket } from 'ws';

/** One message of Phoenix' protocol. */
export interface Frame {
	readonly joinRef: string | null;
	readonly ref: string | null;
	readonly topic: string;
	readonly event: string;
	readonly payload: Readonly<Record<string, unknown>>;
}

/** Version 1 sends objects, version 2 lists. */
export type FrameVersion = 1 | 2;

export function parseFrame(version: FrameVersion, text: string): Frame {
	const given = JSON.parse(text);
	if (version === 2) {
		const [joinRef, ref, topic, event, payload] = given;
		return { joinRef, ref, topic, event, payload: payload ?? {} };
	}
	const { join_ref: joinRef = null, ref = null, topic, event, payload } = given;
	return { joinRef, ref, topic, event, payload: payload ?? {} };
}

export function sendFrame(socket: WebSocket, version: FrameVersion, frame: Frame): void {
	const { joinRef, ref, topic, event, payload } = frame;
	if (socket.readyState !== socket.OPEN) return;
	socket.send(
		JSON.stringify(
			version === 2
				? [joinRef, ref, topic, event, payload]
				: { join_ref: joinRef, ref, topic, event, payload },
		),
	);
}
