/** The functions that a template can call: those of Go's text/template that make sense here, and docker's. */
import { goJson } from './json.ts';
import { sprintf } from './printf.ts';
import { compareText, isTrue, Nil, printInner, typeName, type Value } from './values.ts';

/** Throws an Error whose message completes `error calling NAME: `. `and` and `or` are not here: they do not evaluate all. */
export type TemplateFunction = (...args: Value[]) => Value;

const text = (value: Value, name: string): string => {
  if (typeof value === 'string') return value;
  throw new WrongType(`wrong type for value; expected string; got ${typeName(value)} (in ${name})`);
};

const integer = (value: Value): number => {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (typeof value === 'bigint') return Number(value);
  throw new WrongType(`wrong type for value; expected int; got ${typeName(value)}`);
};

/** A value that a function does not take; its message stands alone. */
export class WrongType extends Error {}

export const builtinFunctions: Record<string, TemplateFunction> = {
  not: (value) => !isTrue(value),
  len: (value) => lengthOf(value),
  index: (collection, ...keys) => keys.reduce(indexOne, collection),
  slice: (value, ...bounds) => sliceOf(value, bounds.map(integer)),
  print: (...args) => sprint(args),
  println: (...args) => `${args.map(printInner).join(' ')}\n`,
  printf: (format, ...args) => sprintf(text(format, 'printf'), args),
  eq: (first, ...others) => {
    if (others.length === 0) throw new Error('missing argument for comparison');
    return others.some((other) => equal(first, other));
  },
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
};

export const dockerFunctions: Record<string, TemplateFunction> = {
  json: (value) => goJson(value),
  split: (value, separator) => text(value, 'split').split(text(separator, 'split')),
  join: (values, separator) =>
    itemsOf(values)
      .map((item) => text(item, 'join'))
      .join(text(separator, 'join')),
  title: (value) => text(value, 'title').replace(/(?<![\p{L}\p{Nd}_'])\p{L}/gu, (letter) => letter.toUpperCase()),
  lower: (value) => text(value, 'lower').toLowerCase(),
  upper: (value) => text(value, 'upper').toUpperCase(),
  pad: (value, before, after) => {
    const content = text(value, 'pad');
    return content === '' ? '' : ' '.repeat(integer(before)) + content + ' '.repeat(integer(after));
  },
  truncate: (value, length) => Buffer.from(text(value, 'truncate')).subarray(0, integer(length)).toString(),
};

/** The names that a parser accepts. */
export const functionNames: ReadonlySet<string> = new Set([
  'and',
  'or',
  ...Object.keys(builtinFunctions),
  ...Object.keys(dockerFunctions),
]);

/** How many arguments a function needs at least and at most. */
export const arity: Record<string, [min: number, max: number]> = {
  and: [1, Number.POSITIVE_INFINITY],
  or: [1, Number.POSITIVE_INFINITY],
  not: [1, 1],
  len: [1, 1],
  index: [1, Number.POSITIVE_INFINITY],
  slice: [1, 4],
  printf: [1, Number.POSITIVE_INFINITY],
  eq: [1, Number.POSITIVE_INFINITY],
  ...Object.fromEntries(['ne', 'lt', 'le', 'gt', 'ge', 'split', 'join', 'truncate'].map((name) => [name, [2, 2]])),
  ...Object.fromEntries(['json', 'title', 'lower', 'upper'].map((name) => [name, [1, 1]])),
  pad: [3, 3],
};

function itemsOf(value: Value): Value[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Nil) return [];
  throw new WrongType(`wrong type for value; expected []string; got ${typeName(value)}`);
}

function lengthOf(value: Value): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (value instanceof Nil) return 0;
  if (value === undefined || value === null) throw new Error('len of nil pointer');
  throw new Error(`len of type ${typeName(value)}`);
}

function indexOne(collection: Value, key: Value): Value {
  if (collection instanceof Map) {
    if (typeof key !== 'string') throw new Error(`value has type ${typeName(key)}; should be string`);
    return collection.has(key) ? collection.get(key) : zeroOf(collection);
  }
  if (collection === undefined || collection === null) throw new Error('index of untyped nil');
  if (collection instanceof Nil) {
    if (collection.printed === 'map[]') return '';
    throw new Error(collection.printed === '[]' ? `index out of range: ${printInner(key)}` : 'index of nil pointer');
  }
  if (!Array.isArray(collection) && typeof collection !== 'string') {
    throw new Error(`can't index item of type ${typeName(collection)}`);
  }
  const at = typeof key === 'number' || typeof key === 'bigint' ? Number(key) : undefined;
  if (at === undefined) throw new Error(`cannot index slice/array with type ${typeName(key)}`);
  const items = typeof collection === 'string' ? Buffer.from(collection) : collection;
  if (at < 0 || at >= items.length) throw new Error(`index out of range: ${at}`);
  return items[at];
}

/** What a Go map gives for a key it has not: the zero of its values' type, guessed from those that it has. */
function zeroOf(map: ReadonlyMap<string, Value>): Value {
  const sample = map.values().next().value;
  if (sample === undefined || typeof sample === 'string') return '';
  if (Array.isArray(sample) || sample instanceof Nil) return new Nil('[]');
  return undefined;
}

function sliceOf(value: Value, bounds: number[]): Value {
  if (typeof value !== 'string' && !Array.isArray(value))
    throw new Error(`can't slice item of type ${typeName(value)}`);
  const length = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  const [start = 0, end = length] = bounds;
  for (const bound of [start, end]) if (bound < 0 || bound > length) throw new Error(`index out of range: ${bound}`);
  if (start > end) throw new Error(`invalid slice index: ${start} > ${end}`);
  return typeof value === 'string' ? Buffer.from(value).subarray(start, end).toString() : value.slice(start, end);
}

/** fmt.Sprint: a space between two operands of which neither is text. */
function sprint(args: Value[]): string {
  return args
    .map((value, index) => {
      const spaced = index > 0 && typeof value !== 'string' && typeof args[index - 1] !== 'string';
      return (spaced ? ' ' : '') + printInner(value);
    })
    .join('');
}

function kindOf(value: Value): string {
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function equal(a: Value, b: Value): boolean {
  const empty = (value: Value) => value === undefined || value === null || value instanceof Nil;
  if (empty(a) || empty(b)) return empty(a) && empty(b);
  if (typeof a === 'object' || typeof b === 'object') throw new Error('non-comparable types for comparison');
  if (kindOf(a) !== kindOf(b)) throw new Error('incompatible types for comparison');
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint equals the number of the same value
  return (a as string) == (b as string);
}

function order(a: Value, b: Value): number {
  if (kindOf(a) !== kindOf(b)) throw new Error('incompatible types for comparison');
  if (typeof a === 'string') return compareText(a, b as string);
  if (kindOf(a) !== 'number') throw new Error('invalid type for comparison');
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}
