import { parseTime } from '#lib/time.ts';

export type LogStream = 'stdout' | 'stderr';

export interface LogEntry {
  stream: LogStream;
  /** ns since the epoch. */
  time: bigint;
  /** The text as the container wrote it, with its newline; without one it is part of a longer line. */
  text: string;
  /** What the log options chose to be beside each line. */
  attributes?: Readonly<Record<string, string>>;
}

/**
 * One line of a json-file log: `{"log":"...","stream":"stdout","time":"..."}`. A line that cannot be parsed (a crash
 * or a full disk cut it) gives undefined and is skipped, as Docker does.
 */
export function parseEntry(line: string): LogEntry | undefined {
  let raw: { log?: unknown; stream?: unknown; time?: unknown; attrs?: unknown };
  try {
    raw = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof raw?.log !== 'string' || typeof raw.time !== 'string') return undefined;
  const time = parseTime(raw.time);
  if (time === undefined) return undefined;
  const entry: LogEntry = { stream: raw.stream === 'stderr' ? 'stderr' : 'stdout', time, text: raw.log };
  if (raw.attrs) entry.attributes = raw.attrs as Record<string, string>;
  return entry;
}
