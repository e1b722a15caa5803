import { invalid } from '#errors/errors.ts';
import { parseTime, parseUnixTime } from '#lib/time.ts';

/** Reading the values of a query string, by the rules of the first Docker's form.go. */

const NO = new Set(['', '0', 'no', 'false', 'none']);

/** Absent, empty, `0`, `no`, `false` and `none` are false; everything else is true. */
export function booleanValue(query: URLSearchParams, name: string): boolean {
  return !NO.has((query.get(name) ?? '').trim().toLowerCase());
}

/** Like `booleanValue`, but `fallback` when the name is absent. */
export function booleanValueOr(query: URLSearchParams, name: string, fallback: boolean): boolean {
  return query.has(name) ? booleanValue(query, name) : fallback;
}

/** A decimal integer; undefined when absent or empty. Throws `invalid` for anything else. */
export function integerValue(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)?.trim();
  if (!text) return undefined;
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalid(`invalid value "${text}" for '${name}': not an integer`);
  return value;
}

/** The text; undefined when absent or empty. */
export function textValue(query: URLSearchParams, name: string): string | undefined {
  return query.get(name) || undefined;
}

/**
 * A point in time as ns since 1970: `seconds[.nanoseconds]` or RFC 3339. Undefined when absent, empty or 0, the
 * wire's words for "no limit". Throws `invalid` for anything else.
 */
export function timeValue(query: URLSearchParams, name: string): bigint | undefined {
  const text = query.get(name)?.trim();
  if (!text || text === '0') return undefined;
  const ns = parseUnixTime(text) ?? parseTime(text);
  if (ns === undefined) {
    throw invalid(`invalid value for '${name}': failed to parse value as time or duration: "${text}"`, {
      hint: 'give seconds since 1970, with up to nine decimals, or an RFC 3339 time',
    });
  }
  return ns;
}
