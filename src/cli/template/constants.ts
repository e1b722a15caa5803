import type { Token } from './lexer.ts';
import { parseError } from './template-error.ts';

/**
 * The value of a string, character (its code point) or number token, by Go's rules.
 *
 * @throws TemplateError for an escape or a number that Go does not know.
 */
export function unquote(text: string, token: Token): string | number | bigint {
  if (token.kind === 'number') return parseNumber(text, token);
  const { source } = token;
  if (source.startsWith('`')) return source.slice(1, -1).replaceAll('\r', '');
  const value = source.slice(1, -1).replace(escapes, (sequence) => resolveEscape(text, token, sequence));
  return token.kind === 'character' ? value.codePointAt(0)! : value;
}

const escapes = /\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|[\s\S])/g;

const simple: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

function resolveEscape(text: string, token: Token, sequence: string): string {
  const letter = sequence[1]!;
  if (sequence.length === 2) {
    const value = simple[letter];
    if (value === undefined) throw parseError(text, token.position, `invalid syntax`);
    return value;
  }
  const octal = /[0-7]/.test(letter);
  return String.fromCodePoint(Number.parseInt(sequence.slice(octal ? 1 : 2), octal ? 8 : 16));
}

function parseNumber(text: string, token: Token): number | bigint {
  const source = token.source.replaceAll('_', '');
  const [, sign, digits = ''] = /^([+-]?)(.*)$/.exec(source)!;
  if (/^\d+$|^0[xXoObB]/.test(digits)) {
    const octal = /^0\d+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
    const value = sign === '-' ? -BigInt(octal) : BigInt(octal);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }
  const value = Number(source);
  if (Number.isNaN(value)) throw parseError(text, token.position, `bad number syntax: ${JSON.stringify(token.source)}`);
  return value;
}
