import type { Int64 } from '#api/types/scalar.ts';

/** 2^64 - 1: what `max` means where a number is wanted. */
export const UNLIMITED = 18_446_744_073_709_551_615n;

/** An integer of a kernel file, exact; `max` is UNLIMITED, and what is no integer 0. */
export function integer(text: string | undefined): Int64 {
  const digits = text?.trim() ?? '';
  if (digits === 'max') return UNLIMITED;
  if (!/^\d+$/.test(digits)) return 0;
  return digits.length < 16 ? Number(digits) : exact(BigInt(digits));
}

/** `value` as a number where that keeps all its digits. */
export function exact(value: bigint): Int64 {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
}

/** Lines of `name value`. */
export function keyed(text: string): Record<string, Int64> {
  const entries = text.split('\n').map((line) => line.split(' '));
  return Object.fromEntries(
    entries.filter((entry) => entry.length === 2).map(([name, value]) => [name, integer(value)]),
  );
}

/** `count` units of `nanoseconds` each. */
export function inNanoseconds(count: Int64 | undefined, nanoseconds: number): Int64 {
  return exact(BigInt(count ?? 0) * BigInt(nanoseconds));
}
