import { closeSync, fstatSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { invalid, system } from '#errors/errors.ts';
import type { Layer, LayerStat } from '../driver.ts';
import { type NodeId, NodeStore } from '../tree/node-store.ts';
import { readLayer } from '../tree/read-layer.ts';
import type { Copy } from './chunks.ts';
import { BLOCK, NULL_BLOCK } from './format.ts';
import { type ImageOptions, writeImage } from './image.ts';
import { layOut } from './layout.ts';
import type { PutPiece } from './piece-writer.ts';

export interface IndexJob extends Omit<Layer, 'prepared'> {
  /** Where the index is to be; nothing is there yet. */
  path: string;
}

const COPY_BUFFER = 1 << 20;

/**
 * Writes the index of a layer, neither stamped nor synced; nothing is left when it throws. A worker's job. Throws `invalid`
 * for a tar that is no layer, `system` when the tar is not stored as it should be.
 */
export function run({ path, ...layer }: IndexJob): LayerStat {
  using store = new NodeStore(dirname(layer.tarPath));
  const tar = openSync(layer.tarPath, 'r');
  try {
    const planned = planIndex(store, layer, tar);
    writeIndex(path, planned, tar);
    return planned.layer;
  } finally {
    closeSync(tar);
  }
}

/** An index as it has to be on the disk, as long as the store is there: its first bytes but for the stamp, and what of the tar follows them. */
export interface PlannedIndex {
  putImage(put: PutPiece): void;
  /** Bytes of the image. */
  imageLength: number;
  /** Places in the tar, and after the image. */
  copies: readonly Copy[];
  /** Bytes of the whole file. */
  length: number;
  layer: LayerStat;
}

/** What the index of an open tar has to be, whose tree is in the store then. Throws as `run` does. */
export function planIndex(
  store: NodeStore,
  { diffId, size }: Pick<Layer, 'diffId' | 'size'>,
  tar: number,
): PlannedIndex {
  const tarSize = fstatSync(tar).size;
  if (tarSize < size || tarSize % BLOCK !== 0) {
    throw system(`the tar of layer ${diffId} is ${tarSize} bytes long, not ${size} padded to ${BLOCK}`, {
      code: 'TAR_CHANGED',
      hint: 'Remove the image and load it again.',
    });
  }
  return indexOf(store, readLayer(store, tar, size), { diffId, tarSize });
}

/** What the index of a layer has to be whose tree is complete. Throws `invalid` for what the format cannot hold. */
export function indexOf(store: NodeStore, root: NodeId, options: ImageOptions): PlannedIndex {
  store.endNames();
  if (Math.ceil(options.tarSize / BLOCK) >= NULL_BLOCK) {
    throw invalid(`layer ${options.diffId} is ${options.tarSize} bytes long; layers of 2 TiB and more cannot be used`, {
      code: 'LAYER_TOO_LARGE',
      hint: 'Split it into several layers.',
    });
  }
  const layout = layOut(store, root, options.tarSize);
  return {
    putImage: (put) => writeImage(layout, options, put),
    imageLength: layout.metadataBlocks * BLOCK,
    copies: layout.copies,
    length: (layout.metadataBlocks + layout.copiedBlocks) * BLOCK,
    layer: { size: layout.contentSize, entries: layout.nodes.length },
  };
}

/** Makes the new file `path`, not synced; nothing is left when it throws. */
export function writeIndex(path: string, { putImage, imageLength, copies, length }: PlannedIndex, tar: number): void {
  const index = openSync(path, 'wx', 0o400);
  try {
    putImage((piece, position) => writeAll(index, piece, position));
    copyPieces(tar, index, copies, imageLength);
    ftruncateSync(index, length);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(index);
  }
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
