/**
 * A chart as it is drawn: positions computed from the machine when the documentation is generated, never in the
 * browser. All lengths are px of the drawing's own space, origin at the top left.
 */
export interface ChartDrawing {
	/** The machine's id: 'table', 'sync' or 'network'. */
	readonly id: string;
	readonly width: number;
	readonly height: number;
	/** Parents before their children. */
	readonly states: readonly DrawnState[];
	readonly transitions: readonly DrawnTransition[];
}

export interface Box {
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
}

export interface DrawnState extends Box {
	/** The state node's id, such as 'table.uploading'. */
	readonly id: string;
	/** The key alone, such as 'uploading'. */
	readonly label: string;
	readonly kind: 'region' | 'compound' | 'atomic';
	readonly isInitial: boolean;
}

/** All transitions between two states that share an arrow. */
export interface DrawnTransition {
	/** Ids of state nodes; equal where a state leads to itself or stays. */
	readonly source: string;
	readonly target: string;
	/** What leads along: one event with its guard a line. */
	readonly labels: readonly string[];
	readonly labelBox: Box;
	/** The line's corners, from source to target. */
	readonly points: readonly (readonly [x: number, y: number])[];
}
