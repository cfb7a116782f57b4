import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk.bundled.js';
import type { Box, DrawnTransition } from '../../src/inspect/chart-drawing.ts';

/** What ELK made of a graph, in whole px. */
export interface Layout {
	readonly width: number;
	readonly height: number;
	/** @throws Error if the layout has no such node. */
	boxOf(id: string): Box;
	/** An arrow's corners, from its source to its target. @throws Error if the layout has no such arrow. */
	pointsOf(edge: string): DrawnTransition['points'];
	/** @throws Error if the arrow has no label. */
	labelBoxOf(edge: string): Box;
}

export function readLayout(graph: ElkNode): Layout {
	const nodes = walk(graph);
	const boxes = new Map(nodes.map((node) => [node.id, toBox(node)]));
	const edges = new Map<string, ElkExtendedEdge>(
		nodes.flatMap((node) => node.edges ?? []).map((edge) => [edge.id, edge]),
	);
	return {
		width: Math.ceil(graph.width ?? 0),
		height: Math.ceil(graph.height ?? 0),
		boxOf: (id) => found(boxes.get(id), id),
		pointsOf(edge) {
			const { startPoint, bendPoints = [], endPoint } = found(edges.get(edge)?.sections?.[0], edge);
			return [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [Math.round(x), Math.round(y)] as const);
		},
		labelBoxOf: (edge) => toBox(found(edges.get(edge)?.labels?.[0], edge)),
	};
}

function toBox({ x = 0, y = 0, width = 0, height = 0 }: Partial<Box>): Box {
	return { x: Math.round(x), y: Math.round(y), width: Math.round(width), height: Math.round(height) };
}

function walk(node: ElkNode): readonly ElkNode[] {
	return [node, ...(node.children ?? []).flatMap(walk)];
}

function found<T>(value: T | undefined, id: string): T {
	if (value === undefined) throw new Error(`The layout lost '${id}'.`);
	return value;
}
