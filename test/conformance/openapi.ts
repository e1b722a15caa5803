/** Holds replies of the Engine API against its OpenAPI file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';

export type Schema = { [key: string]: unknown };
export interface Operation {
  query: string[];
  body?: Schema;
  responses: Record<string, Schema | null>;
}

const api: { definitions: Record<string, Schema>; paths: Record<string, Record<string, Operation>> } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'fixtures/engine-v1.51.json'), 'utf8'),
);

/** Every operation of the file, as `GET /containers/{id}/json`. */
export const OPERATIONS = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
);

export function schemaNamed(name: string): Schema {
  return api.definitions[name]!;
}

export function operationOf(name: string): Operation {
  const [method, path] = name.split(' ') as [string, string];
  const operation = api.paths[path]?.[method.toLowerCase()];
  if (!operation) throw new Error(`${name} is not in the OpenAPI file`);
  return operation;
}

/** What replies to older clients have besides: operation, JSON paths (`*` = any key), the last version 1.N that had it. */
const OLDER: [string, string[], number][] = [
  ['GET /images/json', ['/*/VirtualSize'], 43],
  ['GET /images/{name}/json', ['/VirtualSize'], 43],
  ['GET /images/{name}/json', ['/Container', '/ContainerConfig'], 44],
  [
    'GET /images/{name}/json',
    [
      'Hostname',
      'Domainname',
      'AttachStdin',
      'AttachStdout',
      'AttachStderr',
      'Tty',
      'OpenStdin',
      'StdinOnce',
      'Image',
    ].map((field) => `/Config/${field}`),
    49,
  ],
  ['GET /system/df', ['/Images/*/VirtualSize'], 43],
  ['GET /events', ['/status', '/id', '/from'], 51],
  ['GET /info', ['/ExecutionDriver'], 24],
  ['GET /info', ['/KernelMemory'], 41],
  ['GET /info', ['/BridgeNfIptables', '/BridgeNfIp6tables'], 49],
];

/** What is wrong with a reply to a client of version 1.`minor`, one line for each. */
export function problemsOf(operation: string, status: number, body: unknown, minor: number): string[] {
  const { responses } = operationOf(operation);
  const known = status in responses;
  if (!known && status < 400) return [`the status ${status} is none of ${Object.keys(responses)}`];
  const schema = known ? responses[status] : { $ref: '#/definitions/ErrorResponse' };
  if (!schema) return []; // the file does not describe it
  const validate = validatorOf(operation, status, schema);
  if (validate(body)) return [];
  return validate.errors!.flatMap(({ instancePath, message, params }) => {
    const unknown = params.unevaluatedProperty;
    if (unknown !== undefined && isOlder(operation, `${instancePath}/${unknown}`, minor)) return [];
    return [`${instancePath || '/'} ${message} ${JSON.stringify(params)}`];
  });
}

function isOlder(operation: string, path: string, minor: number): boolean {
  return OLDER.some(([name, patterns, last]) => name === operation && minor <= last && patterns.some(matches));
  function matches(pattern: string): boolean {
    const wanted = pattern.split('/');
    const got = path.split('/');
    return wanted.length === got.length && wanted.every((part, i) => part === '*' || part === got[i]);
  }
}

/** Where dockerd, too, sends null for a number that is not set, which the file does not say. */
const NULLABLE: [schema: Schema, property: string][] = [
  [api.definitions.Resources!, 'MemorySwappiness'],
  [operationOf('GET /exec/{id}/json').responses['200']!, 'ExitCode'],
];
for (const [{ properties }, property] of NULLABLE) {
  (properties as Record<string, Schema>)[property]!['x-nullable'] = true;
}

const ajv = new Ajv2019({ strict: false, allErrors: true });
for (const [name, schema] of Object.entries(api.definitions)) {
  ajv.addSchema(jsonSchemaOf(schema, { open: true }), `open:${name}`);
  ajv.addSchema(jsonSchemaOf(schema, { open: false }), `closed:${name}`);
}

const validators = new Map<string, ValidateFunction>();
function validatorOf(operation: string, status: number, schema: Schema): ValidateFunction {
  const key = `${operation} ${status}`;
  const made = validators.get(key) ?? ajv.compile(jsonSchemaOf(schema, { open: false }));
  validators.set(key, made);
  return made;
}

/**
 * The file's schema as JSON Schema. Objects are closed: a field that is not in the file is a problem. Parts of an `allOf`
 * stay open, as one part does not know the fields of the other. Go's nil slices, maps and pointers are null on the wire.
 */
function jsonSchemaOf(schema: Schema, { open }: { open: boolean }): Schema {
  const reference = schema.$ref as string | undefined;
  if (reference) return { $ref: `${open ? 'open' : 'closed'}:${reference.split('/').pop()}` };
  const result: Schema = { ...schema };
  const { type, items, properties, allOf, additionalProperties } = schema as Record<string, never>;
  if (type && (schema['x-nullable'] || type === 'array' || type === 'object')) result.type = [type, 'null'];
  if (schema['x-nullable'] && schema.enum) result.enum = [...(schema.enum as unknown[]), null];
  if (items) result.items = jsonSchemaOf(items, { open: false });
  if (properties) {
    const entries = Object.entries<Schema>(properties);
    result.properties = Object.fromEntries(entries.map(([k, v]) => [k, jsonSchemaOf(v, { open: false })]));
  }
  if (allOf) result.allOf = (allOf as Schema[]).map((part) => jsonSchemaOf(part, { open: true }));
  if (typeof additionalProperties === 'object') {
    result.additionalProperties = jsonSchemaOf(additionalProperties, { open: false });
  }
  if (!open && (properties || allOf) && !additionalProperties) result.unevaluatedProperties = false;
  return result;
}
