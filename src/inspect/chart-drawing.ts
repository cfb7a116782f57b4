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
	/** What happens in the state beside its transitions, one a line: 'invokes upload', 'entry openTables'. */
	readonly activities: readonly string[];
}

/** All transitions between two states that share an arrow; or those that a state takes without being left. */
export interface DrawnTransition {
	/** Ids of state nodes; equal where a state leads to itself or stays. */
	readonly source: string;
	readonly target: string;
	/** What leads along: 'event [guard]' a line, or the event and below it its guards, indented, a line each. An overview has none. */
	readonly labels: readonly string[];
	readonly labelBox: Box;
	/** The line's corners, from source to target. None where the state stays: its labels stand in its own box. */
	readonly points: readonly (readonly [x: number, y: number])[];
}

/** Lengths that the drawing was measured with, px: who renders it must set the same. */
export const CHART_TEXT = {
	/** Of labels and activities, in a monospaced font. */
	size: 11,
	lineHeight: 15,
	/** Of a state's name. */
	nameSize: 13,
	/** From the box's top to the first line below the name. */
	headHeight: 26,
	/** Between a box's border and its text. */
	padding: 8,
	/** The widest a character of `size` can be in the fonts asked for. */
	characterWidth: 6.85,
	nameCharacterWidth: 8.1,
} as const;
