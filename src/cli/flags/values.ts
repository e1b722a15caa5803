import { parseBoolean } from '#lib/boolean.ts';
import type { ValueType } from './types.ts';

/** `--flag`, `--flag=false`; the texts that Go's ParseBool takes. */
export const bool: ValueType<boolean> = {
  name: '',
  initial: false,
  implied: 'true',
  set(_previous, text) {
    const value = parseBoolean(text);
    if (value !== undefined) return value;
    throw new Error(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
  },
};

export const string: ValueType<string> = { name: 'string', initial: '', set: (_previous, text) => text };

/** Repeatable; the values in their order. `check` refuses a value by throwing. */
export function listOf(name: string, check: (text: string) => string = (text) => text): ValueType<string[]> {
  return { name, initial: [], set: (previous, text) => [...previous, check(text)] };
}

export const list: ValueType<string[]> = listOf('list');

/** Repeatable, each value a comma-separated list. */
export const stringSlice: ValueType<string[]> = {
  name: 'strings',
  initial: [],
  set: (previous, text) => [...previous, ...text.split(',').filter((item) => item !== '')],
};

/** Repeatable `key=value`; a later one wins over an earlier one of the same key. */
export const map: ValueType<Record<string, string>> = {
  name: 'map',
  initial: {},
  set(previous, text) {
    const at = text.indexOf('=');
    return at < 0 ? { ...previous, [text]: '' } : { ...previous, [text.slice(0, at)]: text.slice(at + 1) };
  },
};

/** Repeatable `name=value`; every value of a name is kept. */
export const filter: ValueType<Record<string, string[]>> = {
  name: 'filter',
  initial: {},
  set(previous, text) {
    if (text === '') return previous;
    const at = text.indexOf('=');
    if (at < 0) throw new Error('invalid argument format of filter (expected name=value)');
    const name = text.slice(0, at).trim().toLowerCase();
    return { ...previous, [name]: [...(previous[name] ?? []), text.slice(at + 1).trim()] };
  },
};

/** A whole number; Go's base prefixes and underscores are taken. Beyond 2^53 it needs {@link int64}. */
export const int: ValueType<number> = {
  name: 'int',
  initial: 0,
  set: (_previous, text) => Number(parseInteger(text, 'Int', -(1n << 63n), (1n << 63n) - 1n)),
};

export const int64: ValueType<number | bigint> = {
  name: 'int',
  initial: 0,
  set: (_previous, text) => narrow(parseInteger(text, 'Int', -(1n << 63n), (1n << 63n) - 1n)),
};

export const uint16: ValueType<number> = {
  name: 'uint16',
  initial: 0,
  set: (_previous, text) => Number(parseInteger(text, 'Uint', 0n, 0xffffn)),
};

export const uint64: ValueType<number | bigint> = {
  name: 'uint',
  initial: 0,
  set: (_previous, text) => narrow(parseInteger(text, 'Uint', 0n, (1n << 64n) - 1n)),
};

/** The integer as a number where a number holds it exactly. */
export function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function parseInteger(text: string, kind: 'Int' | 'Uint', low: bigint, high: bigint): bigint {
  const refuse = (why: string) => new Error(`strconv.Parse${kind}: parsing ${JSON.stringify(text)}: ${why}`);
  const match = /^([+-]?)(0[xX][0-9a-fA-F_]+|0[oO]?[0-7_]*|0[bB][01_]+|[1-9][0-9_]*)$/.exec(text);
  if (!match || (kind === 'Uint' && match[1] !== '')) throw refuse('invalid syntax');
  const digits = match[2]!.replaceAll('_', '').replace(/^0[oO]?(?=[0-7])/, '0o');
  const value = match[1] === '-' ? -BigInt(digits) : BigInt(digits);
  if (value < low || value > high) throw refuse('value out of range');
  return value;
}
