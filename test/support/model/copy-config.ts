/** A machine's configuration as a deep copy that a test may change; functions are shared. */
export function copyConfig(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(copyConfig);
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, copyConfig(child)]));
}
