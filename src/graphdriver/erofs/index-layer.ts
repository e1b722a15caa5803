import {
  closeSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { system } from '#errors/errors.ts';
import { fault } from '#lib/write-steps.ts';
import type { Layer, LayerStat } from '../driver.ts';
import { readLayer } from '../tree/read-layer.ts';
import type { Copy } from './chunks.ts';
import { BLOCK } from './format.ts';
import { encodeImage } from './image.ts';
import { layOut } from './layout.ts';
import { identify, writeStamp } from './stamp.ts';

export interface IndexJob extends Layer {
  indexPath: string;
  /** On the same filesystem as `indexPath`; does not exist yet. */
  temporaryPath: string;
}

const COPY_BUFFER = 1 << 20;

/**
 * Makes the index of a layer; durable and complete when it returns, nothing is left when it throws. A worker's job.
 * Throws `invalid` for a tar that is no layer, `system` when the tar is not stored as it should be.
 */
export function run(job: IndexJob): LayerStat {
  const tar = openSync(job.tarPath, 'r');
  try {
    return writeIndex(job, tar);
  } finally {
    closeSync(tar);
  }
}

/** An index as it has to be on the disk: its first bytes, stamp included, and what of the tar follows them. */
export interface PlannedIndex {
  image: Buffer;
  /** Places in the tar, and after `image`. */
  copies: readonly Copy[];
  /** Bytes of the whole file. */
  length: number;
  layer: LayerStat;
}

/** What the index of an open tar has to be; the same for the same file. Throws as `run` does. */
export function planIndex({ diffId, size }: Pick<Layer, 'diffId' | 'size'>, tar: number): PlannedIndex {
  const stats = fstatSync(tar, { bigint: true });
  const tarSize = Number(stats.size);
  if (tarSize < size || tarSize % BLOCK !== 0) {
    throw system(`the tar of layer ${diffId} is ${tarSize} bytes long, not ${size} padded to ${BLOCK}`, {
      code: 'TAR_CHANGED',
      hint: 'Remove the image and load it again.',
    });
  }
  const layout = layOut(readLayer(tar, size), tarSize);
  const image = encodeImage(layout, { diffId, tarSize });
  const layer = { size: layout.contentSize, entries: layout.inodes.length };
  writeStamp(image, { diffId, tar: identify(stats), layer });
  return { image, copies: layout.copies, length: (layout.metadataBlocks + layout.copiedBlocks) * BLOCK, layer };
}

function writeIndex(job: IndexJob, tar: number): LayerStat {
  const { image, copies, length, layer } = planIndex(job, tar);
  const index = openSync(job.temporaryPath, 'wx', 0o400);
  try {
    try {
      writeAll(index, image, 0);
      copyPieces(tar, index, copies, image.length);
      ftruncateSync(index, length);
      fsyncSync(index);
    } finally {
      closeSync(index);
    }
    fault('layer.index.write');
    renameSync(job.temporaryPath, job.indexPath);
    fault('layer.index.rename');
  } catch (error) {
    rmSync(job.temporaryPath, { force: true });
    throw error;
  }
  syncDirectory(dirname(job.indexPath));
  return layer;
}

function copyPieces(tar: number, index: number, copies: readonly Copy[], start: number): void {
  if (copies.length === 0) return;
  const buffer = Buffer.allocUnsafe(COPY_BUFFER);
  for (const { from, to, length } of copies) {
    for (let done = 0; done < length; ) {
      const count = readSync(tar, buffer, 0, Math.min(buffer.length, length - done), from + done);
      if (count === 0)
        throw system(`the tar ends at ${from + done} while it is being indexed`, { code: 'TAR_CHANGED' });
      writeAll(index, buffer.subarray(0, count), start + to + done);
      done += count;
    }
  }
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
