import type { Diagnosis } from './finding.ts';

/** The SQL of all findings as one script: all of it or nothing happens, and it may be run twice. '' for none. */
export function toScript({ findings }: Diagnosis): string {
	const written = new Set<string>();
	const parts = findings.flatMap(({ table, code, sql }) => {
		if (sql === null || written.has(`${table} ${sql}`)) return [];
		written.add(`${table} ${sql}`);
		return [`-- ${table}: ${code}\n${sql}`];
	});
	if (parts.length === 0) return '';
	return `${['begin;', ...parts, `notify pgrst, 'reload schema';`, 'commit;'].join('\n\n')}\n`;
}
