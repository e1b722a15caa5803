import type { Int64, StringSet } from '#api/types/scalar.ts';
import { invalid } from '#errors/errors.ts';
import { NotAnInteger } from './wire-json.ts';

/**
 * Decoding a request body by the rules of Go's encoding/json, which clients rely on: keys match without regard to
 * case, unknown keys are ignored, null is absent, what is absent has its zero value, and a wrong type is refused with
 * the name of the field. A type is described once, with these few words, and TypeScript checks it against the wire type.
 */
export interface Decoder<T> {
  /** Go's name of the type, for the message. */
  readonly goType: string;
  zero(): T;
  /** `value` is not null; `at` is the path of the field. */
  read(value: unknown, at: string): T;
}

/** Decodes a value that `parseJson` gave. `root` is the name of the outermost type in messages. */
export function decode<T>(decoder: Decoder<T>, value: unknown, root: string): T {
  return value === undefined || value === null ? decoder.zero() : decoder.read(value, root);
}

export const string: Decoder<string> = scalar('string', '', (value) => typeof value === 'string');
/** A string that its type limits to some words; the engine checks them. */
export const word = <T extends string>() => string as Decoder<string> as Decoder<T>;

export const boolean: Decoder<boolean> = scalar('bool', false, (value) => typeof value === 'boolean');
export const integer: Decoder<number> = scalar('int', 0, (value) => typeof value === 'number');

const fitsInt64 = (value: unknown) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
const fitsUint64 = (value: unknown) => typeof value === 'bigint' && BigInt.asUintN(64, value) === value;

export const int64: Decoder<Int64> = scalar('int64', 0, (value) => typeof value === 'number' || fitsInt64(value));
export const uint64: Decoder<Int64> = scalar(
  'uint64',
  0,
  (value) => (typeof value === 'number' && value >= 0) || fitsUint64(value),
);
export const uint16: Decoder<number> = scalar(
  'uint16',
  0,
  (value) => typeof value === 'number' && value >= 0 && value <= 0xffff,
);

function scalar<T>(goType: string, zero: T, fits: (value: unknown) => boolean): Decoder<T> {
  return {
    goType,
    zero: () => zero,
    read(value, at) {
      if (!fits(value)) throw wrongType(value, at, goType);
      return value as T;
    },
  };
}

/** A slice; null when absent. */
export function list<T>(item: Decoder<T>): Decoder<T[] | null> {
  const goType = `[]${item.goType}`;
  return {
    goType,
    zero: () => null,
    read(value, at) {
      if (!Array.isArray(value)) throw wrongType(value, at, goType);
      return value.map((element) => (element === null ? item.zero() : item.read(element, at)));
    },
  };
}

/** A slice of strings that may also be written as one string. */
export const strings: Decoder<string[] | null> = {
  ...list(string),
  read: (value, at) => (typeof value === 'string' ? [value] : list(string).read(value, at)),
};

/** An array of two numbers; what is missing is 0, what is beyond is dropped. */
export const pair: Decoder<[number, number]> = {
  goType: '[2]uint',
  zero: () => [0, 0],
  read(value, at) {
    if (!Array.isArray(value)) throw wrongType(value, at, '[2]uint');
    const [first = 0, second = 0] = list(integer).read(value, at) ?? [];
    return [first, second];
  },
};

/** A map with string keys; null when absent. */
export function map<T>(item: Decoder<T>): Decoder<Record<string, T> | null> {
  const goType = `map[string]${item.goType}`;
  return {
    goType,
    zero: () => null,
    read(value, at) {
      if (!isObject(value)) throw wrongType(value, at, goType);
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([key, v]) => [key, v === null ? item.zero() : item.read(v, at)]));
    },
  };
}

/** A set: the keys of an object whose values do not count. */
export const stringSet: Decoder<StringSet | null> = map({
  goType: 'struct {}',
  zero: () => ({}),
  read(value, at) {
    if (!isObject(value)) throw wrongType(value, at, 'struct {}');
    return {};
  },
});

/** A pointer: null when absent. */
export function nullable<T>(of: Decoder<T>): Decoder<T | null> {
  return { goType: of.goType, zero: () => null, read: of.read };
}

/** A pointer that is left out when absent. */
export function optional<T>(of: Decoder<T>): Decoder<T | undefined> {
  return { goType: of.goType, zero: () => undefined, read: of.read };
}

/** A value that is left out when it is empty: `''`, 0, false, null, [] and {}. */
export function omitEmpty<T>(of: Decoder<T>): Decoder<NonNullable<T> | undefined> {
  return {
    goType: of.goType,
    zero: () => undefined,
    read(value, at) {
      const result = of.read(value, at);
      if (!result) return undefined;
      return typeof result === 'object' && Object.keys(result).length === 0 ? undefined : result;
    },
  };
}

type Fields<T> = { [K in keyof Required<T>]: Decoder<T[K]> };

/** A struct: every field of the wire type, by name. */
export function struct<T extends object>(goType: string, fields: Fields<T>): Decoder<T> {
  const all = Object.entries(fields) as [keyof T & string, Decoder<unknown>][];
  const folded = new Map(all.map(([name, field]) => [name.toLowerCase(), { name, field }]));
  const zero = () => {
    const result: Partial<T> = {};
    for (const [name, field] of all) assign(result, name, field.zero());
    return result as T;
  };
  return {
    goType,
    zero,
    read(value, at) {
      if (!isObject(value)) throw wrongType(value, at, goType);
      const result = zero();
      for (const key of Object.keys(value)) {
        const item = value[key];
        const known = item === null ? undefined : folded.get(key.toLowerCase());
        if (known) assign(result, known.name, known.field.read(item, `${at}.${known.name}`));
      }
      return result;
    },
  };
}

function assign(target: object, name: string, value: unknown): void {
  if (value === undefined) delete (target as Record<string, unknown>)[name];
  else (target as Record<string, unknown>)[name] = value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NotAnInteger);
}

function wrongType(value: unknown, at: string, goType: string) {
  const place = at.includes('.') ? `Go struct field ${at}` : 'Go value';
  return invalid(`invalid JSON: json: cannot unmarshal ${describe(value)} into ${place} of type ${goType}`);
}

function describe(value: unknown): string {
  if (value instanceof NotAnInteger) return `number ${value.source}`;
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'number' || typeof value === 'bigint' ? `number ${value}` : typeof value;
}
