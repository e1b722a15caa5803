import type { Refuse } from '#archive/tar-fields.ts';
import type { LayerNode } from '../tree/layer-node.ts';
import { BLOCK, CHUNK_INDEX_SIZE, DEVICE_TAR, MAX_CHUNK_BITS } from './format.ts';

/** One file has no more chunks than this... */
const MAX_CHUNKS_PER_FILE = 1 << 23;
/** ...and all files of a layer together no more than this: each takes 8 bytes of the index. */
const MAX_CHUNKS_PER_LAYER = 1 << 24;
/** Bytes copied into an index beyond the length of the tar itself, above which a layer is refused. */
const MAX_EXTRA_COPY = 64 << 20;
/** 4 KiB, a page: the smallest chunks of a file with pieces off the grid. */
const PAGE_CHUNK_BITS = 3;

/** Which blocks a regular file's content lies in. */
export interface ChunkMap {
  /** Chunks are of `BLOCK << bits` bytes each. */
  bits: number;
  /** For each chunk HOLE or `device * 2^32 + first block`; blocks of device 0, the index, count from where its copies begin. */
  chunks: number[];
}

export const HOLE = -1;

const NUMBER = 8;

/** A map as bytes: `bits`, then the chunks, as doubles. */
export function encodeChunkMap({ bits, chunks }: ChunkMap): Buffer {
  const bytes = Buffer.allocUnsafe(NUMBER * (chunks.length + 1));
  bytes.writeDoubleLE(bits);
  for (const [index, chunk] of chunks.entries()) bytes.writeDoubleLE(chunk, NUMBER * (index + 1));
  return bytes;
}

export function decodeChunkMap(bytes: Buffer): ChunkMap {
  const chunks = Array.from({ length: chunksIn(bytes.length) }, (_, index) => bytes.readDoubleLE(NUMBER * (index + 1)));
  return { bits: bytes.readDoubleLE(), chunks };
}

/** How many chunks a map of so many bytes has. */
export function chunksIn(length: number): number {
  return length / NUMBER - 1;
}

/** `length` bytes at `from` in the tar, to be copied to `to`, an offset in the index's own data. */
export interface Copy {
  from: number;
  to: number;
  length: number;
}

interface Piece {
  offset: number;
  length: number;
  /** Offset in the tar. */
  source: number;
}

/** A file that lies in the tar as a whole, in one chunk. Nearly all are such, so no map is made for it. */
export function isWhole({ size, segments }: LayerNode): boolean {
  return !segments && size <= BLOCK * 2 ** MAX_CHUNK_BITS;
}

/** The map of such a file. */
export function wholeMap({ size, dataOffset }: LayerNode): ChunkMap {
  return { bits: coveringBits(size), chunks: [tarBlock(dataOffset)] };
}

/** Makes the chunk maps of one layer and collects what must be copied because it cannot be mapped in place. */
export class ChunkPlanner {
  readonly copies: Copy[] = [];
  /** Blocks of the index's own data. */
  copiedBlocks = 0;
  readonly #tarSize: number;
  #chunks = 0;

  constructor(tarSize: number) {
    this.#tarSize = tarSize;
  }

  /** The map of a file; undefined when it is whole. */
  plan(node: LayerNode, refuse: Refuse): ChunkMap | undefined {
    if (isWhole(node)) {
      this.#count(1, refuse);
      return undefined;
    }
    const { size } = node;
    const pieces = piecesOf(node);
    const bits = chunkBits(pieces, size, refuse);
    const chunkSize = BLOCK * 2 ** bits;
    const count = Math.ceil(size / chunkSize);
    this.#count(count, refuse);
    const map: ChunkMap = { bits, chunks: new Array<number>(count).fill(HOLE) };
    for (const piece of pieces) this.#place(piece, size, map, chunkSize, refuse);
    return map;
  }

  #count(chunks: number, refuse: Refuse): void {
    this.#chunks += chunks;
    if (this.#chunks > MAX_CHUNKS_PER_LAYER) throw refuse('the layer has too many pieces of sparse files');
  }

  #place(piece: Piece, fileSize: number, { chunks }: ChunkMap, chunkSize: number, refuse: Refuse): void {
    const end = piece.offset + piece.length;
    for (let chunk = Math.floor(piece.offset / chunkSize); chunk * chunkSize < end; chunk++) {
      const start = chunk * chunkSize;
      const chunkEnd = Math.min(start + chunkSize, fileSize);
      const source = piece.source + start - piece.offset;
      if (start >= piece.offset && chunkEnd <= end && source % BLOCK === 0) {
        chunks[chunk] = tarBlock(source);
        continue;
      }
      if (chunks[chunk] === HOLE) {
        chunks[chunk] = this.copiedBlocks;
        this.copiedBlocks += Math.ceil((chunkEnd - start) / BLOCK);
      }
      const from = Math.max(start, piece.offset);
      const to = chunks[chunk]! * BLOCK + from - start;
      this.#copy({ from: piece.source + from - piece.offset, to, length: Math.min(chunkEnd, end) - from }, refuse);
    }
  }

  #copy(copy: Copy, refuse: Refuse): void {
    if (this.copiedBlocks * BLOCK > this.#tarSize + MAX_EXTRA_COPY) {
      throw refuse('its sparse pieces are too small and too scattered');
    }
    const last = this.copies.at(-1);
    if (last && last.from + last.length === copy.from && last.to + last.length === copy.to) last.length += copy.length;
    else this.copies.push(copy);
  }
}

/** Of a chunk that begins at `offset` in the tar. */
function tarBlock(offset: number): number {
  return DEVICE_TAR * 2 ** 32 + offset / BLOCK;
}

/** The smallest chunk that holds a whole file, or the largest there is. */
function coveringBits(size: number): number {
  let bits = 0;
  while (bits < MAX_CHUNK_BITS && BLOCK * 2 ** bits < size) bits++;
  return bits;
}

function piecesOf(node: LayerNode): Piece[] {
  if (!node.segments) return [{ offset: 0, length: node.size, source: node.dataOffset }];
  let source = node.dataOffset;
  return node.segments.map(({ offset, length }) => {
    source += length;
    return { offset, length, source: source - length };
  });
}

/**
 * The chunk size that makes the index smallest. Small chunks make long maps (8 bytes each); in large ones the pieces do
 * not lie on the grid any more and their chunks must be copied, up to two for each piece.
 */
function chunkBits(pieces: readonly Piece[], size: number, refuse: Refuse): number {
  const aligned = alignedBits(pieces, size);
  let best = { bits: -1, cost: Number.POSITIVE_INFINITY };
  for (let bits = aligned ?? PAGE_CHUNK_BITS; bits <= MAX_CHUNK_BITS; bits++) {
    const chunkSize = BLOCK * 2 ** bits;
    const count = Math.ceil(size / chunkSize);
    const copied = bits === aligned ? 0 : 2 * pieces.length * Math.min(chunkSize, size);
    const cost = count * CHUNK_INDEX_SIZE + copied;
    if (count <= MAX_CHUNKS_PER_FILE && cost < best.cost) best = { bits, cost };
  }
  if (best.bits < 0) throw refuse(`a file of ${size} bytes is too large`);
  return best.bits;
}

/** The largest chunks in which all pieces can be mapped where they are; undefined when one is off the grid of blocks. */
function alignedBits(pieces: readonly Piece[], size: number): number | undefined {
  let bits = coveringBits(size);
  for (const { offset, length } of pieces) {
    const end = offset + length;
    while (!(onGrid(offset, bits) && (end === size || onGrid(end, bits)))) if (--bits < 0) return undefined;
  }
  return bits;
}

function onGrid(offset: number, bits: number): boolean {
  return offset % (BLOCK * 2 ** bits) === 0;
}
