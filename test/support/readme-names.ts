import { readFileSync } from 'node:fs';
import ts from 'typescript';

/**
 * The public names that a declaration has: the properties of an interface, the members of a class, the texts of a
 * union. Throws where the file declares no such thing.
 */
export function namesIn(path: string, declaration: string): readonly string[] {
	const file = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.ES2022, true);
	for (const statement of file.statements) {
		const isDeclaration =
			ts.isInterfaceDeclaration(statement) ||
			ts.isClassDeclaration(statement) ||
			ts.isTypeAliasDeclaration(statement);
		if (!isDeclaration || statement.name?.text !== declaration) continue;
		return ts.isTypeAliasDeclaration(statement) ? textsOf(statement.type) : membersOf(statement);
	}
	throw new Error(`${path} declares no ${declaration}`);
}

function membersOf({ members }: ts.InterfaceDeclaration | ts.ClassDeclaration): readonly string[] {
	return [...members].flatMap(({ name }) => (name && ts.isIdentifier(name) ? [name.text] : []));
}

function textsOf(type: ts.TypeNode): readonly string[] {
	if (ts.isUnionTypeNode(type)) return type.types.flatMap(textsOf);
	return ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal) ? [type.literal.text] : [];
}
