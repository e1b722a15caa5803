import type { TarEntry } from './tar-entry.ts';
import { TarParser } from './tar-parser.ts';

export interface TarMember {
  entry: TarEntry;
  /** The body as the archive holds it; read it before asking for the next member, or leave it and it is skipped. */
  body: AsyncIterable<Buffer>;
}

/**
 * The members of a tar that comes as a stream of chunks, in order and with back-pressure: at most one chunk is held.
 * Throws EngineError `invalid` as TarParser does.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember, void, void> {
  const chunks = source[Symbol.asyncIterator]();
  const events: (TarEntry | Buffer)[] = [];
  const parser = new TarParser({ entry: (entry) => events.push(entry), data: (chunk) => events.push(chunk) });
  let ended = false;

  /** Makes sure that there is an event; false at the end of the archive. */
  async function fill(): Promise<boolean> {
    while (events.length === 0 && !ended) {
      const { value, done } = await chunks.next();
      ended = done === true;
      if (done) parser.end();
      else parser.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    }
    return events.length > 0;
  }

  async function* bodyOf(entry: TarEntry): AsyncGenerator<Buffer, void, void> {
    for (let left = entry.dataSize; left > 0; ) {
      if (current !== entry || !(await fill())) return;
      const chunk = events.shift() as Buffer;
      left -= chunk.length;
      yield chunk;
    }
  }

  let current: TarEntry | undefined;
  try {
    while (await fill()) {
      const event = events.shift()!;
      if (Buffer.isBuffer(event)) continue;
      current = event;
      yield { entry: event, body: bodyOf(event) };
    }
  } finally {
    current = undefined;
    await chunks.return?.();
  }
}
