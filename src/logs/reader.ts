import { existsSync, watch } from 'node:fs';
import { dirname } from 'node:path';
import { type LogEntry, parseEntry } from './entries.ts';
import { type LineReader, openLogFiles, openSuccessor } from './files.ts';

export interface LogQuery {
  stdout: boolean;
  stderr: boolean;
  /** ns; entries before it are left out. 0n = all. */
  since: bigint;
  /** ns; the first entry after it ends the reading. 0n = none. */
  until: bigint;
  /** How many of the last lines; undefined = all. */
  tail: number | undefined;
}

/**
 * The entries of a log in order, in the batches in which they were read. With `follow`, goes on until `ended` resolves (the container's monitor has written
 * its last line) or `signal` aborts; both give a normal end.
 */
export async function* readLog(
  path: string,
  query: LogQuery,
  follow: { ended: Promise<unknown> } | undefined,
  signal: AbortSignal,
): AsyncGenerator<LogEntry[]> {
  if (!existsSync(path)) return;
  const changes = follow ? watchChanges(path, follow.ended, signal) : undefined;
  const readers = await openAtTail(path, query.tail);
  try {
    if (readers.length === 0) return;
    while (readers.length > 1) {
      if (!(yield* drain(readers[0]!, query, signal))) return;
      await readers.shift()!.close();
    }
    if (!(yield* drain(readers[0]!, query, signal))) return;
    while (changes && !signal.aborted) {
      const last = changes.ended();
      const next = await openSuccessor(path, readers[0]!);
      if (next) readers.push(next);
      if (!(yield* drain(readers[0]!, query, signal))) return;
      if (next) await readers.shift()!.close();
      else if (last) return;
      else await changes.wait();
    }
  } finally {
    changes?.close();
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

/** Gives false when there is nothing more to read: past `until`, or nobody listens. */
async function* drain(reader: LineReader, query: LogQuery, signal: AbortSignal): AsyncGenerator<LogEntry[], boolean> {
  for (;;) {
    const lines = await reader.next();
    if (lines.length === 0) return true;
    const entries = lines.flatMap((line) => parseEntry(line) ?? []);
    const end = query.until > 0n ? entries.findIndex((entry) => entry.time > query.until) : -1;
    const wanted = entries
      .slice(0, end < 0 ? undefined : end)
      .filter((entry) => entry.time >= query.since && query[entry.stream]);
    if (wanted.length > 0) yield wanted;
    if (end >= 0 || signal.aborted) return false;
  }
}

/** The log's files, oldest first, positioned so that reading them in order gives the last `tail` lines. */
async function openAtTail(path: string, tail: number | undefined): Promise<LineReader[]> {
  const readers = await openLogFiles(path);
  if (tail === undefined) return readers;
  let missing = tail;
  const wanted: LineReader[] = [];
  for (const reader of readers.toReversed()) {
    if (wanted.length > 0 && missing <= 0) {
      await reader.close();
      continue;
    }
    missing -= await reader.seekTail(missing);
    wanted.unshift(reader);
  }
  return wanted;
}

/** Wakes up when something in the log's folder changed, when the container ended, or when the reader gives up. */
function watchChanges(path: string, end: Promise<unknown>, signal: AbortSignal) {
  let dirty = false;
  let ended = false;
  let wake: (() => void) | undefined;
  const poke = () => {
    dirty = true;
    wake?.();
  };
  const watcher = watch(dirname(path), { persistent: false }, poke);
  watcher.on('error', poke);
  signal.addEventListener('abort', poke);
  void end.then(() => {
    ended = true;
    poke();
  });
  return {
    ended: () => ended,
    async wait() {
      if (!dirty) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      dirty = false;
    },
    close() {
      signal.removeEventListener('abort', poke);
      watcher.close();
    },
  };
}
