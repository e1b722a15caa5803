/**
 * How Go's values look in JavaScript: a map is a `Map` with string keys, a struct a plain object (a function in it is a
 * method), a slice an array, an integer a number or bigint, a typed nil a {@link Nil}, and "no value" undefined or null.
 */
import { formatG } from './numbers.ts';

export type Value = unknown;

/** A nil slice, map or pointer: empty in every respect, and printed in its own way. */
export class Nil {
  readonly printed: string;

  constructor(printed: string) {
    this.printed = printed;
  }
}

export const nilSlice = new Nil('[]');
export const nilMap = new Nil('map[]');
export const nilPointer = new Nil('<nil>');

/** Whether `if` takes the value as true: not false, zero, nil or empty. */
export function isTrue(value: Value): boolean {
  if (value === undefined || value === null || value instanceof Nil) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (typeof value === 'object' || typeof value === 'function') return true;
  return Boolean(value);
}

/** The keys of a map in the order in which Go visits and prints them. */
export function sortedKeys(map: ReadonlyMap<string, Value>): string[] {
  return [...map.keys()].sort(compareText);
}

/** Orders text by its bytes. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The value as `{{.}}` prints it, which is fmt's `%v`. */
export function print(value: Value): string {
  return value === undefined || value === null ? '<no value>' : printInner(value);
}

/** `%v` of a value inside another, or of an argument of print. */
export function printInner(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'number') return formatG(value);
  if (value instanceof Nil) return value.printed;
  if (Array.isArray(value)) return `[${value.map(printInner).join(' ')}]`;
  if (value instanceof Map)
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${printInner(value.get(key))}`)
      .join(' ')}]`;
  if (typeof value === 'object') return `{${Object.values(value).map(printInner).join(' ')}}`;
  return String(value);
}

/** The name of the value's type in messages. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  if (Array.isArray(value)) return '[]interface {}';
  return value instanceof Map ? 'map[string]interface {}' : 'struct';
}
