/**
 * `reduce-openapi.ts engine-v1.NN.swagger.yaml > fixtures/engine-v1.NN.json`: of the Engine API's OpenAPI file (the Moby
 * project, Apache-2.0) what a machine can hold replies against: each route's statuses with their schemas, its
 * parameters' names, its body's schema, and the definitions. Prose and examples are left out.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
interface Operation {
  parameters?: { name: string; in: string; schema?: Json }[];
  responses: Record<string, { schema?: Json }>;
}
interface OpenApi {
  definitions: Record<string, Json>;
  paths: Record<string, Record<string, Operation>>;
}

const KEPT = ['type', 'items', 'enum', 'required', 'allOf', '$ref', 'additionalProperties', 'x-nullable'];

/** A schema without its prose; `properties` is a map of schemas, whatever their names. */
function schemaOf(node: Json): Json {
  if (Array.isArray(node)) return node.map(schemaOf);
  if (node === null || typeof node !== 'object') return node;
  const kept: { [key: string]: Json } = {};
  for (const key of KEPT) {
    const value = node[key];
    if (value === undefined) continue;
    kept[key] = key === 'enum' || key === 'required' ? value : schemaOf(value);
  }
  const properties = node.properties;
  if (properties && typeof properties === 'object') kept.properties = mapValues(properties as never, schemaOf);
  return kept;
}

function mapValues<T, R>(map: Record<string, T>, change: (value: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value)]));
}

function operationOf({ parameters = [], responses }: Operation) {
  const query = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  const body = parameters.find((parameter) => parameter.in === 'body' && parameter.schema)?.schema;
  const replies = mapValues(responses, ({ schema }) => (schema ? schemaOf(schema) : null));
  return { query, ...(body && { body: schemaOf(body) }), responses: replies };
}

const api: OpenApi = parse(readFileSync(process.argv[2]!, 'utf8'));
const reduced = {
  definitions: mapValues(api.definitions, schemaOf),
  paths: mapValues(api.paths, (methods) => mapValues(methods, operationOf)),
};
process.stdout.write(`${JSON.stringify(reduced)}\n`);
