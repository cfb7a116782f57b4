/** What the server was asked for since it was last cleared. */
export interface Traffic {
	readonly requests: number;
	readonly preflights: number;
}

/** The server that all contestants talk with. */
export interface BenchServer {
	/** A project's URL that no page has used before: a browser remembers the preflights of those it knows. */
	freshUrl(): string;
	readonly key: string;
	/** Added to each request. @default 0 */
	latencyMs: number;
	/** The most rows that an answer has. @default 1000, as Supabase */
	maxRows: number;
	traffic(): Traffic;
	clearTraffic(): void;
	/** Empties the table and fills it with so many rows. */
	fill(rows: number): Promise<void>;
	/** Somebody else gives the first so many rows a new title. */
	change(rows: number, title: string): Promise<void>;
	count(): Promise<number>;
	/** A row's `n`. */
	numberOf(id: string): Promise<unknown>;
	stop(): Promise<void>;
}
