export type NetworkQuality = 'offline' | 'poor' | 'good' | 'excellent';

/** What the Network Information API tells, where there is one (Chromium only). */
export interface ConnectionInfo {
	/** `slow-2g`, `2g`, `3g` or `4g`, which stands for anything faster too. */
	readonly effectiveType?: string | undefined;
	/** In Mbps; Chromium rounds it and tells at most 10. */
	readonly downlink?: number | undefined;
	/** In ms; Chromium rounds it to 25. */
	readonly rtt?: number | undefined;
}

export interface NetworkStatus {
	readonly isOnline: boolean;
	readonly quality: NetworkQuality;
	/** `slow-2g`, `2g`, `3g` or `4g`, where the browser tells. */
	readonly effectiveType?: string;
	/** In Mbps, where the browser tells. */
	readonly downlink?: number;
	/** In ms: the browser's, else the mean of the measured requests, rounded to 25 as browsers do. */
	readonly rtt?: number;
}

const EXCELLENT_RTT_MS = 100;
const GOOD_RTT_MS = 400;
const EXCELLENT_DOWNLINK_MBPS = 5;
const GOOD_DOWNLINK_MBPS = 1;

/** What the app is told; `isOnline` is whether the machine's snapshot has the tag `online`. */
export function toNetworkStatus(
	isOnline: boolean,
	connection: ConnectionInfo,
	meanRttMs?: number | undefined,
): NetworkStatus {
	const { effectiveType, downlink } = connection;
	const rtt = connection.rtt ?? (meanRttMs === undefined ? undefined : Math.round(meanRttMs / 25) * 25);
	return {
		isOnline,
		quality: isOnline ? toQuality(connection, meanRttMs) : 'offline',
		...(effectiveType === undefined ? {} : { effectiveType }),
		...(downlink === undefined ? {} : { downlink }),
		...(rtt === undefined ? {} : { rtt }),
	};
}

/**
 * How good a connection is that works. `slow-2g` and `2g` are poor and `3g` is good. `4g`, or no word from the
 * browser, goes by round trip (the browser's, else the measured mean) and bandwidth, the worse of the two:
 *
 * | | excellent | good | poor |
 * |---|---|---|---|
 * | round trip, ms | < 100 | < 400 | ≥ 400 |
 * | downlink, Mbps | ≥ 5 | ≥ 1 | < 1 |
 *
 * What is unknown does not count; nothing known is good.
 */
export function toQuality(
	connection: ConnectionInfo,
	meanRttMs?: number | undefined,
): Exclude<NetworkQuality, 'offline'> {
	const { effectiveType, downlink, rtt = meanRttMs } = connection;
	if (effectiveType === 'slow-2g' || effectiveType === '2g') return 'poor';
	if (effectiveType === '3g') return 'good';
	if (rtt === undefined && downlink === undefined) return 'good';
	if ((rtt ?? 0) >= GOOD_RTT_MS || (downlink ?? Infinity) < GOOD_DOWNLINK_MBPS) return 'poor';
	if ((rtt ?? 0) >= EXCELLENT_RTT_MS || (downlink ?? Infinity) < EXCELLENT_DOWNLINK_MBPS) return 'good';
	return 'excellent';
}
