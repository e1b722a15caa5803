/** Times are nanoseconds since the Unix epoch as BigInt: `Date` drops what Docker's clients print. */

const NS_PER_MS = 1_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

/** The wire form of "never": Go's zero time. */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

let last = 0n;

/** Wall-clock time in ns. Two calls never give the same value unless the clock was set back. */
export function nowNs(): bigint {
  const millis = BigInt(Date.now()) * NS_PER_MS;
  const now = millis + (process.hrtime.bigint() % NS_PER_MS);
  last = now <= last && last - now < NS_PER_SECOND ? last + 1n : now;
  return last;
}

/** RFC 3339 with nanoseconds, trailing zeros dropped as Go's RFC3339Nano does; 0n is Go's zero time. */
export function formatTime(ns: bigint): string {
  if (ns === 0n) return ZERO_TIME;
  const seconds = ns >= 0n ? ns / NS_PER_SECOND : (ns - NS_PER_SECOND + 1n) / NS_PER_SECOND;
  const fraction = (ns - seconds * NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction ? `${whole}.${fraction}Z` : `${whole}Z`;
}

/** Like `formatTime` but with all nine digits, as `docker logs -t` prints. */
export function formatTimeFixed(ns: bigint): string {
  const seconds = ns / NS_PER_SECOND;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${(ns % NS_PER_SECOND).toString().padStart(9, '0')}Z`;
}

const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** ns of an RFC 3339 time with up to nine fractional digits; undefined when the text is not one. */
export function parseTime(text: string): bigint | undefined {
  const match = RFC3339.exec(text);
  if (!match) return undefined;
  const seconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * NS_PER_MS + BigInt((match[2] ?? '').padEnd(9, '0'));
}

/** Docker's timestamp form of query values: `seconds[.nanoseconds]`. Undefined when the text is not one. */
export function parseUnixTime(text: string): bigint | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  return match ? BigInt(match[1]!) * NS_PER_SECOND + BigInt((match[2] ?? '').padEnd(9, '0')) : undefined;
}
