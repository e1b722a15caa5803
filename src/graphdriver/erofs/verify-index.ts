import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { errnoCode } from '#errors/errors.ts';
import type { Layer, LayerVerdict } from '../driver.ts';
import { NodeStore } from '../tree/node-store.ts';
import { type PlannedIndex, planIndex } from './index-layer.ts';
import { encodeStamp, identify } from './stamp.ts';

const PIECE = 1 << 20;

/**
 * Compares an index with what its tar gives, byte for byte. A worker's job. Throws as `index-layer.ts` for a tar that cannot be indexed at all.
 */
export function run({ indexPath, ...layer }: Layer & { indexPath: string }): LayerVerdict {
  using store = new NodeStore(dirname(layer.tarPath));
  const tar = openSync(layer.tarPath, 'r');
  try {
    const planned = planIndex(store, layer, tar);
    const identity = identify(fstatSync(tar, { bigint: true }));
    const stamp = encodeStamp({ diffId: layer.diffId, tar: identity, layer: planned.layer });
    const problem = problemOf(indexPath, planned, stamp, tar);
    return { ...(problem && { problem }), stat: planned.layer };
  } finally {
    closeSync(tar);
  }
}

function problemOf(indexPath: string, planned: PlannedIndex, stamp: Buffer, tar: number): string | undefined {
  const index = openIfThere(indexPath);
  if (index === undefined) return 'is missing';
  try {
    return compare(planned, stamp, tar, index);
  } finally {
    closeSync(index);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errnoCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function compare(planned: PlannedIndex, stamp: Buffer, tar: number, index: number): string | undefined {
  const { putImage, imageLength, copies, length } = planned;
  const { size } = fstatSync(index);
  if (size !== length) return `is ${size} bytes long instead of ${length}`;
  let same = true;
  putImage((piece, position) => {
    const from = Math.max(0, stamp.length - position);
    const found = readExactly(index, position, piece.length);
    same &&= found.compare(piece, from, piece.length, from) === 0;
  });
  if (!same) return 'is damaged: its bytes are not those that the tar gives';
  if (!readExactly(index, 0, stamp.length).equals(stamp)) return 'was made for another file than this tar';
  for (const { from, to, length: rest } of copies) {
    for (let done = 0; done < rest; done += PIECE) {
      const count = Math.min(PIECE, rest - done);
      const wanted = readExactly(tar, from + done, count);
      if (!readExactly(index, imageLength + to + done, count).equals(wanted)) {
        return 'is damaged: a copied piece of a file is not that of the tar';
      }
    }
  }
  return undefined;
}

/** What lies beyond the end of the file reads as zeros. */
function readExactly(fd: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const count = readSync(fd, bytes, done, length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return bytes;
}
