import { invalid } from '#errors/errors.ts';

/** The `filters` of a list: name -> the values asked for. Several values of one name are alternatives, names are all needed. */
export type Filters = ReadonlyMap<string, readonly string[]>;

export const NO_FILTERS: Filters = new Map();

/**
 * Reads the `filters` query value: `{"label": ["a=b"]}`, or the older `{"label": {"a=b": true}}`.
 * Absent or empty text is no filter; anything else that is not of these forms is refused as invalid.
 */
export function parseFilters(text: string | undefined | null): Filters {
  if (!text) return NO_FILTERS;
  const refuse = (why: string, cause?: unknown) =>
    invalid(`invalid filter: ${why}`, { hint: 'filters are JSON, as in {"label":["a=b"]}', cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw refuse(`'${text.slice(0, 100)}' is not JSON`, cause);
  }
  if (parsed === null) return NO_FILTERS;
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw refuse('the outermost value is not an object');
  const filters = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(parsed)) {
    const values = filterValues(value);
    if (!values) throw refuse(`the values of '${name}' are neither a list of strings nor a map to booleans`);
    if (values.length > 0) filters.set(name, values);
  }
  return filters;
}

function filterValues(value: unknown): string[] | undefined {
  if (value === null) return [];
  if (typeof value !== 'object') return undefined;
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? value : undefined;
  const entries = Object.entries(value);
  if (!entries.every(([, wanted]) => typeof wanted === 'boolean')) return undefined;
  return entries.filter(([, wanted]) => wanted).map(([name]) => name);
}

/** Throws `invalid filter 'x'` for the first name that is not accepted. */
export function checkFilterNames(filters: Filters, accepted: ReadonlySet<string>): void {
  for (const name of filters.keys()) {
    if (accepted.has(name)) continue;
    throw invalid(`invalid filter '${name}'`, { hint: `known filters: ${[...accepted].sort().join(', ')}` });
  }
}

/** True when `name` is not filtered by, or one of its values is `value`. */
export function matchesExactly(filters: Filters, name: string, value: string): boolean {
  const wanted = filters.get(name);
  return wanted === undefined || wanted.includes(value);
}

/** True when `name` is not filtered by, or `test` holds for one of its values. */
export function matchesAny(filters: Filters, name: string, test: (wanted: string) => boolean): boolean {
  const wanted = filters.get(name);
  return wanted === undefined || wanted.some(test);
}

/**
 * Labels: every value of `name` must hold, each `key` (present) or `key=value` (equal).
 * `{"label": ["a", "b=c"]}` keeps what has a label `a` and has `b` = `c`.
 */
export function matchesLabels(
  filters: Filters,
  name: string,
  labels: Readonly<Record<string, string>> | null | undefined,
): boolean {
  for (const wanted of filters.get(name) ?? []) {
    const at = wanted.indexOf('=');
    const key = at < 0 ? wanted : wanted.slice(0, at);
    if (!labels || !Object.hasOwn(labels, key)) return false;
    if (at >= 0 && labels[key] !== wanted.slice(at + 1)) return false;
  }
  return true;
}

/** A filter that is a yes or no (`1`, `true`, `0`, `false`); `fallback` when absent; anything else is refused. */
export function booleanFilter(filters: Filters, name: string, fallback: boolean): boolean {
  const values = filters.get(name);
  if (values === undefined) return fallback;
  const yes = values.some((value) => value === '1' || value === 'true');
  const no = values.some((value) => value === '0' || value === 'false');
  if (yes === no) throw invalid(`invalid filter '${name}=[${values.join(' ')}]'`, { hint: 'use true or false' });
  return yes;
}
