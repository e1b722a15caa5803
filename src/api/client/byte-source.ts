import type { Readable } from 'node:stream';

/** Reads a stream piece by piece, with a way to put back what was read too far. */
export interface ByteSource {
  /** The next piece, never empty; undefined at the end. Rejects with the stream's error. */
  read(): Promise<Buffer | undefined>;
  /** Makes `bytes` the next piece. */
  unread(bytes: Buffer): void;
  /** All that has come and was not read, maybe nothing. */
  come(): Buffer;
}

export function byteSource(stream: Readable): ByteSource {
  const pieces = stream[Symbol.asyncIterator]();
  let held: Buffer | undefined;
  return {
    async read() {
      if (held) {
        const bytes = held;
        held = undefined;
        return bytes;
      }
      const next = await pieces.next();
      return next.done ? undefined : next.value;
    },
    unread(bytes) {
      if (bytes.length > 0) held = held ? Buffer.concat([bytes, held]) : bytes;
    },
    come() {
      const come = held ? [held] : [];
      held = undefined;
      for (let bytes = stream.read(); bytes !== null; bytes = stream.read()) come.push(bytes);
      return Buffer.concat(come);
    },
  };
}

/** Everything up to the end. */
export async function* drain(source: ByteSource): AsyncGenerator<Buffer> {
  for (let piece = await source.read(); piece; piece = await source.read()) yield piece;
}

/**
 * Reads up to and including `delimiter`; gives what stands before it as latin1 text. Undefined at an end before any byte.
 *
 * @throws Error when the stream ends inside, or after `limit` bytes without the delimiter.
 */
export async function readUntil(source: ByteSource, delimiter: string, limit: number): Promise<string | undefined> {
  let bytes: Buffer | undefined;
  for (;;) {
    const end = bytes ? bytes.indexOf(delimiter) : -1;
    if (bytes && end >= 0) {
      source.unread(bytes.subarray(end + delimiter.length));
      return bytes.toString('latin1', 0, end);
    }
    if (bytes && bytes.length > limit) throw new Error(`the reply has a line or head of more than ${limit} bytes`);
    const piece = await source.read();
    if (!piece) {
      if (!bytes) return undefined;
      throw new Error('the connection was closed in the middle of a reply');
    }
    bytes = bytes ? Buffer.concat([bytes, piece]) : piece;
  }
}
