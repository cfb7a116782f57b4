import type { Diagnosis, Finding, Severity } from './finding.ts';

/** A diagnosis as text for people, one block a table. */
export function toReport(diagnosis: Diagnosis, tables: readonly string[]): string {
	const blocks = [null, ...tables].flatMap((table) => {
		const findings = diagnosis.findings.filter((finding) => finding.table === table);
		if (table === null && findings.length === 0) return [];
		const unknown = diagnosis.unknown.find((one) => one.table === table)?.checks ?? [];
		return [
			[
				table ?? 'project',
				...(findings.length === 0 ? ['  nothing to mend'] : findings.map(toBlock)),
				...(unknown.length > 0 ? [`  not seen from here: ${unknown.join(', ')}`] : []),
			].join('\n'),
		];
	});
	return `${[...blocks, toSummary(diagnosis)].join('\n\n')}\n`;
}

function toBlock({ severity, code, problem, why, mend, sql }: Finding): string {
	const lines = [`  ${severity} ${code}: ${problem}`, `    ${why}`, `    ${mend}`];
	return [...lines, ...(sql === null ? [] : [indent(sql, '      ')])].join('\n');
}

function toSummary({ findings }: Diagnosis): string {
	const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
	const [errors, warnings, infos] = [count('error'), count('warning'), count('info')];
	const plural = (n: number, word: string) => `${n} ${word}${n === 1 ? '' : 's'}`;
	return `${plural(errors, 'error')}, ${plural(warnings, 'warning')}, ${plural(infos, 'note')}.`;
}

function indent(text: string, by: string): string {
	return text
		.split('\n')
		.map((line) => `${by}${line}`)
		.join('\n');
}
