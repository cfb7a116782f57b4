/** Which timers a device has: a slot each, side by side, and then one a table. */
export const SCHEDULE = 0;
export const NETWORK = 1;
export const CHANNEL = 2;
/** What the world does to it, such as to end its mobile network. */
export const WORLD = 3;
const FIRST_TABLE = 4;

export interface Layout {
	readonly devices: number;
	readonly tables: number;
	readonly slots: number;
	slotOf(device: number, part: number): number;
	tableSlot(device: number, table: number): number;
	deviceOf(slot: number): number;
	/** {@link SCHEDULE} … {@link WORLD}, or more for a table's. */
	partOf(slot: number): number;
	/** Of a table's slot. */
	tableOf(slot: number): number;
}

export function createLayout(devices: number, tables: number): Layout {
	const stride = FIRST_TABLE + tables;
	return {
		devices,
		tables,
		slots: devices * stride,
		slotOf: (device, part) => device * stride + part,
		tableSlot: (device, table) => device * stride + FIRST_TABLE + table,
		deviceOf: (slot) => Math.floor(slot / stride),
		partOf: (slot) => slot % stride,
		tableOf: (slot) => (slot % stride) - FIRST_TABLE,
	};
}
