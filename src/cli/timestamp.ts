import { CommandError } from './errors.ts';
import { parseDuration } from './flags/quantities.ts';

/**
 * A moment as the API takes it, `seconds[.nanoseconds]` since 1970, from what `--since` and `--until` take: a duration
 * before `nowMs` (`1h30m`), such seconds, a date, or a date and time with or without a zone (the local one).
 *
 * @throws CommandError for another text.
 */
export function parseMoment(text: string, nowMs: number = Date.now()): string {
  if (/^\d+(?:\.\d+)?$/.test(text)) return text;
  const duration = durationOf(text);
  if (duration !== undefined) return String((BigInt(nowMs) * 1_000_000n - duration) / 1_000_000_000n);
  const match = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (!match) throw new CommandError(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  const [, date, hour = '00', minute = '00', second = '00', fraction = '', zone = ''] = match;
  const seconds = Math.floor(Date.parse(`${date}T${hour}:${minute}:${second}${zone}`) / 1000);
  if (Number.isNaN(seconds))
    throw new CommandError(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return `${seconds}.${fraction.padEnd(9, '0')}`;
}

function durationOf(text: string): bigint | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
