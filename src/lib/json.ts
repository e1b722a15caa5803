/** JSON with 64-bit integers intact: beyond 2^53 - 1 they are bigints here and plain digits in the text. */

const { rawJSON } = JSON as JSON & { rawJSON(text: string): unknown };

export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? rawJSON(item.toString()) : item));
}

/** No shorter integer is beyond 2^53 - 1. To ask every value costs more than all the rest. */
const LONG_NUMBER = /\d{16}/;

/** Throws SyntaxError as JSON.parse does. */
export function parseExact(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, keepDigits as (key: string, value: unknown) => unknown);
}

function keepDigits(_key: string, value: unknown, context: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || !/^-?\d+$/.test(context.source ?? '')) return value;
  return BigInt(context.source!);
}
