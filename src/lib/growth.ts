import { closeSync, openSync, readSync } from 'node:fs';
import { releaseBytes } from './release-bytes.ts';

/**
 * Tells a worker, through shared memory, how far a file has come that another thread writes, and tells back how far the
 * worker has read. Nothing is copied, and neither side waits for the other.
 */
export type Growth = SharedArrayBuffer;

/** [bytes written * 2 + (complete ? 1 : 0), bytes read] */
const WRITTEN = 0;
const READ = 1;

export function newGrowth(): Growth {
  return new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT);
}

/** The writer's side: `length` bytes are there, and no more will come when it is `complete`. */
export function tellGrowth(growth: Growth, length: number, complete: boolean): void {
  const view = new BigInt64Array(growth);
  Atomics.store(view, WRITTEN, BigInt(length) * 2n + (complete ? 1n : 0n));
  Atomics.notify(view, WRITTEN);
}

/** Bytes that the reader has taken. */
export function readOf(growth: Growth): number {
  return Number(Atomics.load(new BigInt64Array(growth), READ));
}

/** Bytes at a time. */
const PIECE = 256 << 10;

/** The reader's side: the file's bytes as they come, to the end. A chunk is valid until the next one is asked for. */
export async function* readGrowing(path: string, growth: Growth): AsyncGenerator<Buffer, void, void> {
  const view = new BigInt64Array(growth);
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  const file = openSync(path, 'r');
  try {
    for (let at = 0; ; ) {
      const state = Atomics.load(view, WRITTEN);
      const written = Number(state >> 1n);
      if (at < written) {
        const count = readSync(file, buffer, 0, Math.min(PIECE, written - at), at);
        if (count === 0) throw new Error(`${path} is shorter than its ${written} bytes`);
        at += count;
        Atomics.store(view, READ, BigInt(at));
        yield buffer.subarray(0, count);
      } else if (state & 1n) return;
      else await Atomics.waitAsync(view, WRITTEN, state).value;
    }
  } finally {
    closeSync(file);
    releaseBytes(buffer);
  }
}
