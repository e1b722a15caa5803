import type { Container } from '#container/container.ts';
import { invalid, notImplemented } from '#errors/errors.ts';
import { frame, STDERR, STDOUT } from '#lib/stdcopy.ts';
import { formatTimeFixed } from '#lib/time.ts';
import { attributesText } from '#logs/attributes.ts';
import type { LogEntry } from '#logs/entries.ts';
import { readLog } from '#logs/reader.ts';
import type { Engine } from './engine.ts';

export interface LogsQuery {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** ns */
  since?: bigint;
  until?: bigint;
  timestamps: boolean;
  details: boolean;
  tail: number | 'all';
  /** Never frames: bytes as they are, also without a terminal. */
  raw?: boolean;
}

/** `GET /containers/{id}/logs`. Throws `invalid` without a stream, `not-implemented` for a driver that keeps nothing. */
export async function containerLogs(
  engine: Engine,
  id: string,
  query: LogsQuery,
  signal: AbortSignal,
): Promise<{ tty: boolean; stream: AsyncIterable<Buffer> }> {
  const container = engine.containers.get(id);
  if (!query.stdout && !query.stderr) {
    throw invalid('Bad parameters: you must choose at least one stream', { hint: 'Ask for stdout=1 or stderr=1.' });
  }
  if (container.record.hostConfig.LogConfig.Type === 'none') {
    throw notImplemented('configured logging driver does not support reading', {
      hint: 'The container was created with --log-driver none.',
    });
  }
  return { tty: container.record.config.Tty, stream: logStream(engine, container, query, signal) };
}

async function* logStream(
  engine: Engine,
  container: Container,
  query: LogsQuery,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const { log } = engine.paths.container(container.id);
  const tail = query.tail === 'all' ? undefined : query.tail;
  const selection = { ...query, since: query.since ?? 0n, until: query.until ?? 0n, tail };
  const follow = query.follow && container.running ? { ended: container.waitForExit(signal) } : undefined;
  const format = entryFormat(container.record.config.Tty || query.raw === true, query);
  for await (const entries of readLog(log, selection, follow, signal)) yield Buffer.concat(entries.map(format));
}

function entryFormat(raw: boolean, { timestamps, details }: LogsQuery): (entry: LogEntry) => Buffer {
  return ({ stream, time, text, attributes }) => {
    const beside = details ? `${attributesText(attributes)} ` : '';
    const payload = Buffer.from(`${timestamps ? `${formatTimeFixed(time)} ` : ''}${beside}${text}`);
    return raw ? payload : frame(stream === 'stderr' ? STDERR : STDOUT, payload);
  };
}
