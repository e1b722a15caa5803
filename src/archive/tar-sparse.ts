import type { SparseSegment } from './tar-entry.ts';
import { type Refuse, readNumber } from './tar-fields.ts';
import { BLOCK } from './tar-header.ts';

/** The most pieces one sparse file may have; each costs memory while the archive is read. */
export const MAX_SEGMENTS = 1 << 18;

/** A sparse map while it is read: offsets and lengths in turn. */
export type SparseMap = number[];

/** The four pairs of an old GNU header (type `S`); tells whether extension blocks follow. */
export function readOldSparseHeader(
  block: Buffer,
  map: SparseMap,
  refuse: Refuse,
): { more: boolean; realSize: number } {
  readPairs(block, 386, 4, map, refuse);
  return { more: block[482] !== 0, realSize: readNumber(block, 483, 12, refuse) };
}

/** The 21 pairs of an extension block; tells whether another one follows. */
export function readOldSparseExtension(block: Buffer, map: SparseMap, refuse: Refuse): boolean {
  readPairs(block, 0, 21, map, refuse);
  return block[504] !== 0;
}

function readPairs(block: Buffer, start: number, count: number, map: SparseMap, refuse: Refuse): void {
  for (let at = start; at < start + count * 24 && block[at] !== 0; at += 24) {
    map.push(readNumber(block, at, 12, refuse), readNumber(block, at + 12, 12, refuse));
  }
  if (map.length > 2 * MAX_SEGMENTS) throw refuse(`a sparse file of more than ${MAX_SEGMENTS} pieces`);
}

/**
 * The map of PAX version 1.0, which comes first in the body: a count and then offsets and lengths, one decimal number
 * a line, padded to a whole block.
 */
export class SparseMapReader {
  readonly map: SparseMap = [];
  #wanted = -1;
  #rest = '';

  /** Takes the next block of the body; gives true when the map is complete. */
  push(block: Buffer, refuse: Refuse): boolean {
    const lines = (this.#rest + block.toString('latin1')).split('\n');
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (this.map.length === this.#wanted) break;
      if (!/^\d{1,16}$/.test(line)) throw refuse('the sparse map is malformed');
      if (this.#wanted >= 0) this.map.push(Number(line));
      else this.#wanted = 2 * Number(line);
      if (this.#wanted > 2 * MAX_SEGMENTS) throw refuse(`a sparse file of more than ${MAX_SEGMENTS} pieces`);
    }
    const complete = this.map.length === this.#wanted;
    if (!complete && this.#rest.length > BLOCK) throw refuse('the sparse map is malformed');
    return complete;
  }
}

/**
 * Checks a map against the file's real size and the bytes that the archive holds for it. Gives its segments without
 * the empty ones.
 */
export function toSegments(map: SparseMap, realSize: number, dataSize: number, refuse: Refuse): SparseSegment[] {
  if (map.length % 2 !== 0) throw refuse('the sparse map has an offset without a length');
  if (map.length > 2 * MAX_SEGMENTS) throw refuse(`a sparse file of more than ${MAX_SEGMENTS} pieces`);
  const segments: SparseSegment[] = [];
  let end = 0;
  let total = 0;
  for (let at = 0; at < map.length; at += 2) {
    const [offset, length] = [map[at]!, map[at + 1]!];
    if (offset < end || length < 0 || offset + length > realSize) throw refuse('the sparse map does not fit the file');
    end = offset + length;
    total += length;
    if (length > 0) segments.push({ offset, length });
  }
  if (total !== dataSize) throw refuse(`the sparse map covers ${total} bytes, the archive holds ${dataSize}`);
  return segments;
}
