import type { EngineError } from '#errors/errors.ts';

/** Makes the error for a part of a header that cannot be read; the caller knows which entry it belongs to. */
export type Refuse = (problem: string) => EngineError;

/** A NUL-terminated field, byte for byte. */
export function readString(block: Buffer, start: number, length: number): string {
  const end = start + length;
  const nul = block.indexOf(0, start);
  return block.toString('latin1', start, nul < 0 || nul > end ? end : nul);
}

/**
 * A number in octal digits (padded with spaces and NULs; empty is 0) or in GNU's base-256 form: first bit set, two's
 * complement, big-endian. Refuses what does not fit a safe integer.
 */
export function readNumber(block: Buffer, start: number, length: number, refuse: Refuse): number {
  return block[start]! & 0x80 ? readBase256(block, start, length, refuse) : readOctal(block, start, length, refuse);
}

export function readOctal(block: Buffer, start: number, length: number, refuse: Refuse): number {
  let at = start;
  let end = start + length;
  while (at < end && isPadding(block[at]!)) at++;
  const nul = block.indexOf(0, at);
  if (nul >= 0 && nul < end) end = nul;
  while (end > at && block[end - 1] === 0x20) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = block[at]! - 0x30;
    if (digit < 0 || digit > 7)
      throw refuse(`${JSON.stringify(block.toString('latin1', start, start + length))} is not a number`);
    value = value * 8 + digit;
  }
  return value;
}

function readBase256(block: Buffer, start: number, length: number, refuse: Refuse): number {
  const first = block[start]!;
  let value = BigInt.asIntN(7, BigInt(first & 0x7f));
  for (let at = start + 1; at < start + length; at++) value = (value << 8n) | BigInt(block[at]!);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw refuse(`the number ${value} is too large`);
  return number;
}

function isPadding(byte: number): boolean {
  return byte === 0 || byte === 0x20;
}
