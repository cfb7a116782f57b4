import ts from 'typescript';

/** Type-checks one file under the project's own options; unused names are allowed. @returns `line: message` each. */
export function typeErrorsOf(path: string, tsconfig: string): readonly string[] {
	const config = ts.getParsedCommandLineOfConfigFile(
		tsconfig,
		{ noUnusedLocals: false },
		{
			...ts.sys,
			onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
				throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n'));
			},
		},
	);
	if (!config) throw new Error(`no ${tsconfig}`);
	const program = ts.createProgram([path], config.options);
	const file = program.getSourceFile(path);
	if (!file) throw new Error(`no ${path}`);
	// The README's own errors only: those of src are another check's.
	return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
		({ start = 0, messageText }) =>
			`${file.getLineAndCharacterOfPosition(start).line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
	);
}
