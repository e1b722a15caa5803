import { parseTime, parseUnixTime } from './time.ts';

const UNIT_NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;
const PARTIAL_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d)?)?)?$/;

/**
 * ns since 1970 of what filters such as `until` take: `seconds[.nanoseconds]` since 1970, an RFC 3339 time, the same
 * without zone (local time) or without its last parts, or a Go duration before `now` (`1h30m`). Undefined for other text.
 */
export function parsePointInTime(text: string, now: bigint): bigint | undefined {
  const exact = parseUnixTime(text) ?? parseTime(text);
  if (exact !== undefined) return exact;
  if (DURATION.test(text)) {
    const parts = [...text.matchAll(/([\d.]+)([a-zµ]+)/g)];
    return now - BigInt(Math.round(parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_NS[unit!]!, 0)));
  }
  if (!PARTIAL_TIME.test(text)) return undefined;
  const ms = Date.parse(`${text}${'0000-00-00T00:00:00'.slice(text.length)}`);
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n;
}
