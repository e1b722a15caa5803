/** fmt.Sprintf for the values of a template: flags, width, precision, `*`, and the verbs v s q d x X o b c U t f e g. */
import { formatExponent, formatG } from './numbers.ts';
import { printInner, typeName, type Value } from './values.ts';

interface Spec {
  minus: boolean;
  plus: boolean;
  sharp: boolean;
  space: boolean;
  zero: boolean;
  width?: number;
  precision?: number;
}

const directive = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?([\s\S]?)/gu;

/** Faults appear in the text, as in Go: `%!d(string=x)`, `%!s(MISSING)`, `%!(EXTRA int=1)`. */
export function sprintf(format: string, args: readonly Value[]): string {
  let next = 0;
  const star = (text: string | undefined) =>
    text === '*' ? Number(args[next++]) : text === undefined ? undefined : Number(text);
  const text = format.replace(directive, (_whole, flags: string, width, precision, verb: string) => {
    const spec: Spec = {
      minus: flags.includes('-'),
      plus: flags.includes('+'),
      sharp: flags.includes('#'),
      space: flags.includes(' '),
      zero: flags.includes('0'),
      width: star(width),
      precision: star(precision),
    };
    if (spec.width !== undefined && spec.width < 0) {
      spec.minus = true;
      spec.width = -spec.width;
    }
    if (verb === '') return '%!(NOVERB)';
    if (verb === '%') return '%';
    if (next >= args.length) return `%!${verb}(MISSING)`;
    return formatOne(args[next++], verb, spec);
  });
  const extra = args.slice(next).map((value) => `${typeName(value)}=${printInner(value)}`);
  return extra.length > 0 ? `${text}%!(EXTRA ${extra.join(', ')})` : text;
}

function formatOne(value: Value, verb: string, spec: Spec): string {
  if (verb === 'T') return pad(typeName(value), spec);
  if (Array.isArray(value) && verb !== 'v') return `[${value.map((item) => formatOne(item, verb, spec)).join(' ')}]`;
  const text = byType(value, verb, spec);
  if (text !== undefined) return text;
  if (value === undefined || value === null) return `%!${verb}(<nil>)`;
  return `%!${verb}(${typeName(value)}=${printInner(value)})`;
}

function byType(value: Value, verb: string, spec: Spec): string | undefined {
  if (typeof value === 'string') return formatText(value, verb, spec);
  if (typeof value === 'bigint' || (typeof value === 'number' && isWhole(value, verb))) {
    return formatInteger(BigInt(value), verb, spec);
  }
  if (typeof value === 'number') return formatFloat(value, verb === 'v' ? 'g' : verb, spec);
  if (typeof value === 'boolean') return verb === 'v' || verb === 't' ? pad(String(value), spec) : undefined;
  return verb === 'v' || (verb === 's' && value !== undefined && value !== null)
    ? pad(printInner(value), spec)
    : undefined;
}

/** A number does not know whether it was written as an integer; its verb or its size tells. */
const isWhole = (value: number, verb: string) =>
  Number.isInteger(value) && Math.abs(value) < 1e21 && !/[eEfFgG]/.test(verb);

function formatText(value: string, verb: string, spec: Spec): string | undefined {
  const cut = spec.precision === undefined ? value : [...value].slice(0, spec.precision).join('');
  switch (verb) {
    case 'v':
    case 's':
      return pad(spec.sharp && verb === 'v' ? quote(cut) : cut, spec);
    case 'q':
      return pad(spec.sharp && !cut.includes('`') ? `\`${cut}\`` : quote(cut), spec);
    case 'x':
    case 'X': {
      const hex = Buffer.from(value).subarray(0, spec.precision).toString('hex');
      const digits = spec.space ? (hex.match(/../g) ?? []).join(' ') : hex;
      return pad(verb === 'X' ? digits.toUpperCase() : digits, spec);
    }
    default:
      return undefined;
  }
}

/** A Go string literal. */
export function quote(text: string): string {
  const named: Record<string, string> = {
    '\x07': '\\a',
    '\b': '\\b',
    '\f': '\\f',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t',
    '\v': '\\v',
  };
  const body = text.replace(/["\\]|[^\P{C}]/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    if (named[character]) return named[character];
    const code = character.codePointAt(0)!;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `"${body}"`;
}

const bases: Record<string, [radix: number, prefix: string]> = {
  d: [10, ''],
  v: [10, ''],
  x: [16, '0x'],
  X: [16, '0X'],
  o: [8, '0'],
  b: [2, '0b'],
};

function formatInteger(value: bigint, verb: string, spec: Spec): string | undefined {
  if (verb === 'c') return pad(String.fromCodePoint(Number(value)), spec);
  if (verb === 'q') return pad(`'${String.fromCodePoint(Number(value))}'`, spec);
  if (verb === 'U') return pad(`U+${value.toString(16).toUpperCase().padStart(4, '0')}`, spec);
  const base = bases[verb];
  if (!base) return undefined;
  const magnitude = (value < 0n ? -value : value).toString(base[0]).padStart(spec.precision ?? 0, '0');
  const digits = verb === 'X' ? magnitude.toUpperCase() : magnitude;
  return padNumber(
    signOf(value < 0n, spec),
    `${spec.sharp ? base[1] : ''}${digits}`,
    spec,
    spec.precision === undefined,
  );
}

function formatFloat(value: number, verb: string, spec: Spec): string | undefined {
  const magnitude = Math.abs(value);
  const digits = () => {
    switch (verb) {
      case 'f':
      case 'F':
        return magnitude.toFixed(Math.min(100, spec.precision ?? 6));
      case 'e': {
        const [mantissa, power] = magnitude.toExponential(Math.min(100, spec.precision ?? 6)).split('e');
        return `${mantissa}${formatExponent(Number(power))}`;
      }
      case 'g':
        return formatG(magnitude, spec.precision);
      default:
        return undefined;
    }
  };
  const text = digits();
  return text === undefined ? undefined : padNumber(signOf(value < 0, spec), text, spec, true);
}

const signOf = (negative: boolean, spec: Spec) => (negative ? '-' : spec.plus ? '+' : spec.space ? ' ' : '');

function padNumber(sign: string, digits: string, spec: Spec, zeros: boolean): string {
  if (!spec.zero || spec.minus || !zeros) return pad(sign + digits, { ...spec, zero: false });
  return sign + digits.padStart((spec.width ?? 0) - sign.length, '0');
}

function pad(text: string, spec: Spec): string {
  const missing = (spec.width ?? 0) - [...text].length;
  if (missing <= 0) return text;
  return spec.minus ? text + ' '.repeat(missing) : (spec.zero ? '0' : ' ').repeat(missing) + text;
}
