import type { Transform, Writable } from 'node:stream';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { describe, EngineError, invalid, isEngineError } from '#errors/errors.ts';
import { findProgram } from '#programs/find.ts';
import { start } from '#programs/run.ts';

/** How an archive or a layer is compressed. */
export type Compression = 'none' | 'gzip' | 'bzip2' | 'xz' | 'zstd';

/** How many bytes `detectCompression` wants to see. */
export const MAGIC_LENGTH = 10;

const magics: readonly [Exclude<Compression, 'none'>, Buffer][] = [
  ['gzip', Buffer.from([0x1f, 0x8b, 0x08])],
  ['bzip2', Buffer.from('BZh')],
  ['xz', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00])],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
];

/** Tells by the first bytes; what begins like none of the formats is not compressed. */
export function detectCompression(head: Uint8Array): Compression {
  for (const [compression, magic] of magics) {
    if (head.length >= magic.length && magic.equals(head.subarray(0, magic.length))) return compression;
  }
  // A zstd stream may begin with a skippable frame (RFC 8878, 3.1.2).
  const skippable =
    head.length >= 4 && (head[0]! & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  return skippable ? 'zstd' : 'none';
}

/**
 * The decompressed bytes of `source`, with back-pressure; the buffer of a chunk of the source is free when the next one is
 * asked for. Throws `invalid` for damaged or truncated data, and what the source throws. gzip runs in an `igzip` child where that is installed (5 times faster, but for what `isSmall`), bzip2 and
 * xz in theirs.
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
  options: { signal?: AbortSignal; isSmall?: boolean } = {},
): AsyncGenerator<Buffer, void, void> {
  if (compression === 'none') yield* asBuffers(source);
  else if (compression === 'zstd') yield* throughTransform(source, createZstdDecompress(), compression);
  else if (compression !== 'gzip') yield* throughProgram(source, compression, compression, options.signal);
  else if (!options.isSmall && (await findProgram('igzip')))
    yield* throughProgram(source, 'igzip', compression, options.signal);
  else yield* throughTransform(source, createGunzip({ chunkSize: 256 << 10 }), compression);
}

/** A file that a program writes while somebody reads what is there of it. */
export interface Followed {
  /** Where the program writes. */
  fd: number;
  /** Reads on; gives how many bytes there were, 0 = none at present. */
  follow(): Promise<number>;
}

/** Milliseconds between two looks at a file that does not grow. */
const LOOK = 2;

/**
 * Has gzip data decompressed into a file by an `igzip` child, twice as fast as through a pipe. The buffer of a chunk is free
 * when the next one is asked for. Throws as `decompress` does.
 */
export async function decompressInto(file: Followed, source: AsyncIterable<Uint8Array>): Promise<void> {
  const abort = new AbortController();
  const child = start('igzip', ['-d', '-c'], { stdin: 'pipe', stdout: file.fd, signal: abort.signal });
  const watched = watch(source);
  const fed = feed(child.stdin!, watched.chunks).catch(() => {
    if (watched.failure) abort.abort();
  });
  let ended = false;
  const done = child.done.finally(() => {
    ended = true;
  });
  done.catch(() => undefined);
  try {
    for (let last = false; !last; ) {
      last = ended;
      while ((await file.follow()) > 0) await nextTurn();
      if (!last) await sleep(LOOK);
    }
    await done;
    await fed;
    if (watched.failure) throw watched.failure;
  } catch (error) {
    throw watched.failure ?? damaged('gzip', error);
  } finally {
    abort.abort();
  }
}

/**
 * Writes all chunks, each when the one before has been taken. When `to` is closed early, the rest is left unread: what reads
 * there says whether that was right.
 */
async function feed(to: Writable, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let stop = () => {};
  to.on('close', () => stop());
  to.on('error', () => {}); // the callback of the write gets it
  try {
    for await (const chunk of chunks) {
      await new Promise<void>((resolve, reject) => {
        stop = () => reject(new Error('closed'));
        to.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
    }
    to.end();
  } catch (error) {
    to.destroy(error as Error);
    throw error;
  }
}

async function* asBuffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of source) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

async function* throughTransform(
  source: AsyncIterable<Uint8Array>,
  transform: Transform,
  compression: Compression,
): AsyncGenerator<Buffer, void, void> {
  const watched = watch(source);
  const fed = feed(transform, watched.chunks);
  fed.catch(() => undefined);
  try {
    yield* transform as AsyncIterable<Buffer>;
    await fed;
  } catch (error) {
    throw watched.failure ?? damaged(compression, error);
  } finally {
    transform.destroy();
  }
}

async function* throughProgram(
  source: AsyncIterable<Uint8Array>,
  program: string,
  compression: Compression,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, void> {
  const abort = new AbortController();
  const child = start(program, ['-d', '-c'], {
    stdin: 'pipe',
    stdout: 'pipe',
    signal: signal ? AbortSignal.any([signal, abort.signal]) : abort.signal,
  });
  const watched = watch(source);
  // The program may stop reading before the end (EPIPE); its exit code says whether that was right.
  const fed = feed(child.stdin!, watched.chunks).catch(() => undefined);
  try {
    yield* child.stdout as AsyncIterable<Buffer>;
    await child.done;
    await fed;
    if (watched.failure) throw watched.failure;
  } catch (error) {
    throw watched.failure ?? (isEngineError(error, 'cancelled') ? error : damaged(compression, error));
  } finally {
    abort.abort();
  }
}

/** Passes a source on and remembers how it failed: whoever reads the other end only sees a stream that was cut. */
function watch(source: AsyncIterable<Uint8Array>): { chunks: AsyncIterable<Uint8Array>; failure: unknown } {
  const watched = { chunks: pass(), failure: undefined as unknown };
  async function* pass(): AsyncGenerator<Uint8Array, void, void> {
    const chunks = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { value, done } = await chunks.next().catch((error: unknown) => {
          watched.failure = error;
          throw error;
        });
        if (done) return;
        yield value;
      }
    } finally {
      await chunks.return?.();
    }
  }
  return watched;
}

/** A program that is missing is the machine's fault, anything else the data's. */
function damaged(compression: Compression, cause: unknown): unknown {
  if (cause instanceof EngineError && cause.code === 'ENOENT') return cause;
  return invalid(`the ${compression} data is damaged or cut short: ${describe(cause)}`, {
    code: 'DECOMPRESSION_FAILED',
    cause,
  });
}
