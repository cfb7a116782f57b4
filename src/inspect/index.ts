import { defineInspectorElement } from './panel/inspector-element.ts';

export type {
	EntryBody,
	EntryCounts,
	EntryError,
	InspectionEntry,
	MachineName,
	ServiceName,
} from './inspection-entry.ts';
export { defineInspectorElement, type PixSyncInspectorElement } from './panel/inspector-element.ts';
export type { SyncActor, SyncLike } from './panel/panel-model.ts';
export { createStatelyInspect, type StatelyInspectorLike } from './stately.ts';
export { createSyncInspector, type SyncInspector, type SyncInspectorOptions } from './sync-inspector.ts';

// To import this entry is to want the element.
defineInspectorElement();
