import { compareText, Nil, sortedKeys, type Value } from './values.ts';

/**
 * The value as Go's encoding/json writes it: maps by sorted keys, structs in their own order, bigints as digits. A struct
 * with methods is an object of what they give, sorted, and with `<`, `>` and `&` escaped.
 */
export function goJson(value: Value): string {
  return encode(value).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

const escapeHtml = (text: string) =>
  text.replace(/[<>&]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

function encode(value: Value): string {
  if (value === undefined || value === null || value instanceof Nil) return 'null';
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(encode).join(',')}]`;
  if (value instanceof Map) return object(sortedKeys(value).map((key) => [key, value.get(key)]));
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value);
  if (!entries.some(([, item]) => typeof item === 'function')) return object(entries);
  const methods = entries.filter(([, item]) => typeof item === 'function' && item.length === 0);
  return escapeHtml(
    object(methods.map(([key, method]): [string, Value] => [key, method()]).sort((a, b) => compareText(a[0], b[0]))),
  );
}

const object = (entries: [string, Value][]) =>
  `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${encode(item)}`).join(',')}}`;
