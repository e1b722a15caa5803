/** Sizes and ages as people read them, digit for digit as docker prints them. */
import { humanDuration } from '#lib/human-duration.ts';
import { formatG } from '../template/numbers.ts';

const decimalUnits = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** Bytes in powers of 1000 with `digits` significant digits: `2.02MB`. */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, 1000, decimalUnits, digits);
}

/** Bytes in powers of 1024 with four significant digits: `23.54GiB`. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, binaryUnits, 4);
}

function scaled(bytes: number, base: number, units: string[], digits: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${formatG(value, digits)}${units[unit]}`;
}

/** How long ago a moment (seconds since 1970) was: `3 hours ago`. */
export function ago(moment: number, nowMs: number = Date.now()): string {
  return `${humanDuration(nowMs / 1000 - moment)} ago`;
}

/** A moment (seconds since 1970) in Go's default form and the local zone: `2026-11-23 23:09:58 +0000 UTC`. */
export function goTime(moment: number): string {
  const { offset, shifted } = local(moment);
  const zone = offset === 0 ? 'UTC' : zoneName(moment);
  return `${shifted.slice(0, 19).replace('T', ' ')} ${offsetText(offset, '')} ${zone}`;
}

/** A moment (nanoseconds since 1970) in RFC 3339 with nine digits of a second and the local zone. */
export function localTime(nanoseconds: bigint): string {
  const { offset, shifted } = local(Number(nanoseconds / 1_000_000_000n));
  const fraction = String(nanoseconds % 1_000_000_000n).padStart(9, '0');
  return `${shifted.slice(0, 19)}.${fraction}${offset === 0 ? 'Z' : offsetText(offset, ':')}`;
}

/** The local zone's distance from UTC in minutes, and the local time in ISO form. */
function local(moment: number): { offset: number; shifted: string } {
  const offset = -new Date(moment * 1000).getTimezoneOffset();
  return { offset, shifted: new Date((moment + offset * 60) * 1000).toISOString() };
}

function offsetText(minutes: number, separator: string): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const distance = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(distance / 60))}${separator}${two(distance % 60)}`;
}

/** `CET`; where the zone has no abbreviation, its distance, as Go prints it. */
function zoneName(moment: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(moment * 1000);
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? '';
  return /^[A-Z]{3,5}$/.test(name) ? name : offsetText(local(moment).offset, '').replace(/00$/, '');
}

/** The first twelve digits of an id, without its algorithm. */
export function shortId(id: string): string {
  const digits = id.slice(id.indexOf(':') + 1);
  return digits.slice(0, 12);
}
