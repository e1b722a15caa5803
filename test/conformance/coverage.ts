/** Which parameters of a query and fields of a body the API's file knows, and which of them were sent. */
import { type Operation, operationOf, type Schema, schemaNamed } from './openapi.ts';

/** Operation -> what was sent to it: `?all`, `HostConfig.Mounts[].Type`, ... */
const sent = new Map<string, Set<string>>();

/** Notes what a call that reached the engine sent. */
export function note(operation: string, query: Record<string, string>, body: unknown): void {
  const seen = sent.get(operation) ?? new Set<string>();
  sent.set(operation, seen);
  for (const name of Object.keys(query)) seen.add(`?${name}`);
  const { body: schema } = operationOf(operation);
  if (schema) for (const field of fieldsIn(schema, body)) seen.add(field);
}

/** What an operation knows and nobody has sent. */
export function neverSent(operation: string): string[] {
  const known = operationOf(operation);
  const seen = sent.get(operation) ?? new Set();
  return parametersOf(known).filter((name) => !seen.has(name));
}

function parametersOf({ query, body }: Operation): string[] {
  return [...query.map((name) => `?${name}`), ...(body ? allFields(body, '', new Set()) : [])];
}

/** Every field of a schema, those of its objects, lists (`[]`) and maps (`.*`) too. */
function allFields(schema: Schema, path: string, within: ReadonlySet<Schema>): string[] {
  const whole = flatten(schema);
  if (within.has(whole.source)) return [];
  const inside = new Set([...within, whole.source]);
  const fields = Object.entries(whole.properties).flatMap(([name, property]) => {
    const field = path === '' ? name : `${path}.${name}`;
    return [field, ...allFields(property, field, inside)];
  });
  if (whole.items) fields.push(...allFields(whole.items, `${path}[]`, inside));
  if (whole.values) fields.push(...allFields(whole.values, `${path}.*`, inside));
  return fields;
}

/** Those of them that a value has. */
function fieldsIn(schema: Schema, value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return [];
  const { properties, items, values } = flatten(schema);
  if (Array.isArray(value)) return items ? value.flatMap((item) => fieldsIn(items, item, `${path}[]`)) : [];
  return Object.entries(value).flatMap(([name, item]) => {
    const property = properties[name];
    if (!property) return values ? fieldsIn(values, item, `${path}.*`) : [];
    const field = path === '' ? name : `${path}.${name}`;
    return [field, ...fieldsIn(property, item, field)];
  });
}

interface Flat {
  /** To know a schema that is met again within itself. */
  source: Schema;
  properties: Record<string, Schema>;
  items?: Schema;
  values?: Schema;
}

/** A schema with its references followed and the parts of an `allOf` put together. */
function flatten(schema: Schema): Flat {
  const { $ref: reference } = schema as { $ref?: string };
  if (reference) return flatten(schemaNamed(reference.split('/').pop()!));
  const { properties, items, allOf, additionalProperties } = schema as {
    properties?: Record<string, Schema>;
    items?: Schema;
    allOf?: Schema[];
    additionalProperties?: Schema | boolean;
  };
  const parts = (allOf ?? []).map((part) => flatten(part).properties);
  const flat: Flat = { source: schema, properties: Object.assign({}, ...parts, properties) };
  if (items) flat.items = items;
  if (typeof additionalProperties === 'object') flat.values = additionalProperties;
  return flat;
}
