/** Flag values with units: sizes, durations, decimals. */
import { parseDuration as durationOf } from '#lib/duration.ts';
import type { ValueType } from './types.ts';
import { narrow } from './values.ts';

const sizePowers = 'bkmgtp';

/**
 * Bytes from `512`, `64k`, `1.5 GiB`, `10mb`: units are powers of 1024, whatever their spelling.
 *
 * @throws Error for another text.
 */
export function parseBytes(text: string): number | bigint {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:ib?|b)?$/i.exec(text);
  if (!match) throw new Error(`invalid size: '${text}'`);
  const number = match[1]!;
  const power = BigInt(1024) ** BigInt(Math.max(0, sizePowers.indexOf((match[2] || 'b').toLowerCase())));
  if (/^\d+$/.test(number)) return narrow(BigInt(number) * power);
  return narrow(BigInt(Math.trunc(Number(number) * Number(power))));
}

export const bytes: ValueType<number | bigint> = {
  name: 'bytes',
  initial: 0,
  set: (_previous, text) => parseBytes(text),
};

/** Like {@link bytes}, and `-1` for no limit. */
export const swapBytes: ValueType<number | bigint> = {
  name: 'bytes',
  initial: 0,
  set: (_previous, text) => (text === '-1' ? -1 : parseBytes(text)),
};

/**
 * Nanoseconds from a Go duration: `1h30m`, `-1.5s`, `300ms`, `0`.
 *
 * @throws Error for another text.
 */
export function parseDuration(text: string): bigint {
  const value = durationOf(text);
  if (value === undefined) throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  return value;
}

/** Nanoseconds. */
export const duration: ValueType<number | bigint> = {
  name: 'duration',
  initial: 0,
  set: (_previous, text) => narrow(parseDuration(text)),
};

/** Billionths from a decimal number or a fraction: `1.5`, `1/2`. */
export const nanoDecimal: ValueType<number | bigint> = {
  name: 'decimal',
  initial: 0,
  set(_previous, text) {
    const ratio = /^([+-]?\d+)\/(\d+)$/.exec(text);
    const decimal = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/.exec(text);
    if (!ratio && (!decimal || (decimal[2] === '' && !decimal[3])))
      throw new Error(`failed to parse ${text} as a rational number`);
    const [top, bottom] = ratio
      ? [BigInt(ratio[1]!), BigInt(ratio[2]!)]
      : fractionOf(decimal![1] === '-', decimal![2]!, decimal![3] ?? '', Number(decimal![4] ?? 0));
    if (bottom === 0n) throw new Error(`failed to parse ${text} as a rational number`);
    const scaled = top * 1_000_000_000n;
    if (scaled % bottom !== 0n) throw new Error('value is too precise');
    return narrow(scaled / bottom);
  },
};

function fractionOf(negative: boolean, whole: string, fraction: string, exponent: number): [bigint, bigint] {
  const digits = BigInt(`${whole}${fraction}` || '0') * (negative ? -1n : 1n);
  const power = exponent - fraction.length;
  return power >= 0 ? [digits * 10n ** BigInt(power), 1n] : [digits, 10n ** BigInt(-power)];
}
