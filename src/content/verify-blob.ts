import { createHash, type Hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { Digest } from '#lib/digest.ts';
import { PADDING } from './blob-writer.ts';

const PIECE = 1 << 20;

/**
 * The true length in bytes of the blob in a file, which may be padded with zeros after it: the length at which its bytes
 * have the digest. Undefined when they have it nowhere. A worker's job.
 */
export function run({ path, digest }: { path: string; digest: Digest }): number | undefined {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const shortest = Math.max(0, size - PADDING + 1);
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(PIECE);
    for (let at = 0; at < shortest; ) {
      const count = readSync(file, buffer, 0, Math.min(PIECE, shortest - at), at);
      if (count === 0) return undefined;
      hash.update(buffer.subarray(0, count));
      at += count;
    }
    const tail = buffer.subarray(0, readSync(file, buffer, 0, PADDING, shortest));
    return lengthWithin(hash, shortest, tail, digest);
  } finally {
    closeSync(file);
  }
}

/** The longest first: most blobs need no padding. Beyond the true length there are zeros only. */
function lengthWithin(hash: Hash, start: number, tail: Buffer, digest: Digest): number | undefined {
  for (let length = tail.length; length >= 0; length--) {
    const found = hash.copy().update(tail.subarray(0, length)).digest('hex');
    if (`sha256:${found}` === digest) return start + length;
    if (tail[length - 1] !== 0) return undefined;
  }
  return undefined;
}
