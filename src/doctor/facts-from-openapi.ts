import { type ColumnFacts, type ForeignKeyFacts, NO_FACTS, type TableFacts } from './table-facts.ts';

/** PostgREST's description of the tables that a role may use, as far as it is read here. */
interface OpenApi {
	readonly definitions: Readonly<Record<string, Definition>>;
}

interface Definition {
	/** Columns that are NOT NULL; missing for a view. */
	readonly required?: readonly string[];
	readonly properties?: Readonly<Record<string, Property>>;
}

interface Property {
	/** The column's type, without a precision. */
	readonly format?: string;
	readonly default?: unknown;
	/** Holds `<pk/>` and `<fk table='…' column='…'/>`. */
	readonly description?: string;
}

/** @returns null if it is anything else, such as the gateway's refusal. */
export function toOpenApi(body: unknown): OpenApi | null {
	if (!isRecord(body) || !isRecord(body.definitions)) return null;
	return { definitions: body.definitions as OpenApi['definitions'] };
}

/**
 * What PostgREST's OpenAPI root tells of a table. It says nothing of triggers, indexes, policies, precision or
 * unique keys beside the primary one, and of defaults only some.
 * @returns null for a table that it does not name: there is none, or the role may not use it.
 */
export function factsFromOpenApi({ definitions }: OpenApi, table: string): TableFacts | null {
	const definition = Object.hasOwn(definitions, table) ? definitions[table] : undefined;
	if (!definition) return null;
	const properties = Object.entries(definition.properties ?? {});
	const { required } = definition;
	const primaryKey = properties.filter(([, { description }]) => description?.includes('<pk/>'));
	return {
		...NO_FACTS,
		exists: true,
		schema: { ...NO_FACTS.schema, isServed: true },
		columns: properties.map(([name, property]): ColumnFacts => {
			return {
				name,
				type: property.format ?? null,
				typmod: null,
				isNotNull: required ? required.includes(name) : null,
				defaultSql: property.default === undefined ? null : String(property.default),
				generated: null,
			};
		}),
		hasAllColumns: true,
		// A view shows its table's key; without any, it may be a view as well.
		primaryKey: primaryKey.length > 0 ? primaryKey.map(([name]) => name) : null,
		foreignKeys: properties.flatMap(([name, { description }]): ForeignKeyFacts[] => {
			const parent = /<fk table='(.*?)' column='.*?'\/>/.exec(description ?? '')?.[1];
			return parent === undefined ? [] : [{ columns: [name], parentSchema: null, parentTable: parent }];
		}),
	};
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}
