import { createHash } from 'node:crypto';
import { appendFileSync, closeSync, fdatasync, fsyncSync, openSync, readSync } from 'node:fs';
import { promisify } from 'node:util';
import { runInWorker } from '#lib/worker-pool.ts';
import { fault } from '#lib/write-steps.ts';
import { type IngestedBlob, writeError } from './blob-writer.ts';

/** Bytes read at a time. */
const PIECE = 1 << 20;
/** As BlobWriter pads. */
const BLOCK = 512;

const flush = promisify(fdatasync);

/** Makes a blob of the file `path`, which a program has written: hashes it, pads it and makes it durable, in a worker. */
export function sealBlob(path: string): Promise<IngestedBlob> {
  return runInWorker<IngestedBlob>(new URL(import.meta.url), { path });
}

/** The worker's part. The bytes go to the disk while they are hashed. */
export async function run({ path }: { path: string }): Promise<IngestedBlob> {
  const fd = openSync(path, 'r+');
  try {
    const flushed = flush(fd);
    const hash = createHash('sha256');
    const piece = Buffer.allocUnsafe(PIECE);
    let size = 0;
    for (let count = readSync(fd, piece, 0, PIECE, 0); count > 0; count = readSync(fd, piece, 0, PIECE, size)) {
      hash.update(piece.subarray(0, count));
      size += count;
    }
    await flushed;
    appendFileSync(path, Buffer.alloc(-size & (BLOCK - 1)));
    fsyncSync(fd);
    fault('blob.fsync');
    return { path, digest: `sha256:${hash.digest('hex')}`, size };
  } catch (error) {
    throw writeError(path, error);
  } finally {
    closeSync(fd);
  }
}
