import { invalid } from '#errors/errors.ts';
import { stringifyExact } from '#lib/json.ts';

/** A number of the wire that is not a plain integer (`1.5`, `1e3`): kept as text, for no integer field takes it. */
export class NotAnInteger {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

/**
 * Parses JSON without losing digits: an integer is a number, or a bigint beyond 2^53 - 1; any other number is a
 * NotAnInteger. Throws `invalid` when the text is not JSON.
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
  } catch (cause) {
    throw invalid(`invalid JSON: ${(cause as Error).message}`, { cause });
  }
}

function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number') return value;
  const source = context.source ?? String(value);
  if (!/^-?\d+$/.test(source)) return new NotAnInteger(source);
  return Number.isSafeInteger(value) ? value + 0 : BigInt(source);
}

const texts = new WeakMap<object, string>();
const documents = new WeakMap<object, Buffer>();

/** A value as the body of a reply; of a frozen object as bytes, which are made once for its whole life. */
export function wireJson(value: unknown): string | Buffer {
  if (!isFrozenObject(value)) return toJson(value);
  let bytes = documents.get(value);
  if (!bytes) {
    bytes = Buffer.from(serialise(value));
    documents.set(value, bytes);
  }
  return bytes;
}

/**
 * Serialises; bigints become plain integers. A frozen object, alone or in a list, is serialised once for its whole
 * life: what rarely changes and is often asked for costs nothing when the engine gives the same object again.
 */
export function toJson(value: unknown): string {
  if (Array.isArray(value) && isFrozenObject(value[0])) return `[${value.map(textOf).join(',')}]`;
  return textOf(value);
}

function textOf(value: unknown): string {
  if (!isFrozenObject(value)) return serialise(value);
  let text = texts.get(value);
  if (text === undefined) {
    text = serialise(value);
    texts.set(value, text);
  }
  return text;
}

/** A replacer makes JSON.stringify many times slower, so only values that hold a bigint get one. */
function serialise(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return stringifyExact(value);
  }
}

function isFrozenObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.isFrozen(value);
}
