import { createHash } from 'node:crypto';
import { invalid } from '#errors/errors.ts';
import { isDirectory, isRegular, isSymlink, type LayerNode } from '../tree/layer-node.ts';
import { type ChunkMap, HOLE } from './chunks.ts';
import { crc32c } from './crc32c.ts';
import { writeDirectoryBlock } from './directory.ts';
import {
  BLOCK,
  BLOCK_BITS,
  CHUNK_FORMAT_INDEXES,
  CHUNK_INDEX_SIZE,
  COMPAT_CHECKSUM,
  COMPAT_MTIME,
  DEVICE_INDEX,
  DEVICE_SLOT_SIZE,
  DEVICE_TABLE_OFFSET,
  INCOMPAT_CHUNKED_FILE,
  INCOMPAT_DEVICE_TABLE,
  LAYOUT_CHUNK_BASED,
  LAYOUT_FLAT_INLINE,
  LAYOUT_FLAT_PLAIN,
  NULL_BLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
} from './format.ts';
import { chunkIndexOffset, chunksOf, contentSize, headSize, inlineSize, type Layout, nidOf } from './layout.ts';

/** Changes whenever the same tar would give another index: indexes of other versions are made anew. */
export const WRITER_VERSION = 2;

export interface ImageOptions {
  /** `sha256:<hex>` of the tar. */
  diffId: string;
  /** Bytes of the tar, padding included. */
  tarSize: number;
}

/**
 * The index as bytes, up to the copies, which belong at `layout.metadataBlocks * 512`. The first 1024 bytes, which the
 * format leaves free, are zero. Throws `invalid` for a tar beyond the format's 2 TiB.
 */
export function encodeImage(layout: Layout, options: ImageOptions): Buffer {
  const tarBlocks = Math.ceil(options.tarSize / BLOCK);
  if (tarBlocks >= NULL_BLOCK) {
    throw invalid(`layer ${options.diffId} is ${options.tarSize} bytes long; layers of 2 TiB and more cannot be used`, {
      code: 'LAYER_TOO_LARGE',
      hint: 'Split it into several layers.',
    });
  }
  const out = Buffer.alloc(layout.metadataBlocks * BLOCK);
  for (const node of layout.nodes) writeInode(out, node, layout);
  writeSuperblock(out, layout, options, tarBlocks);
  return out;
}

/** With a zero UUID, overlayfs gives a copied-up file another (st_dev, st_ino) at every mount. */
function uuidOf(diffId: string): Buffer {
  return createHash('sha256').update(`${diffId} ${WRITER_VERSION}`).digest().subarray(0, 16);
}

function writeSuperblock(out: Buffer, layout: Layout, options: ImageOptions, tarBlocks: number): void {
  const at = SUPERBLOCK_OFFSET;
  out.writeUInt32LE(SUPERBLOCK_MAGIC, at);
  out.writeUInt32LE(COMPAT_CHECKSUM | COMPAT_MTIME, at + 8);
  out[at + 12] = BLOCK_BITS;
  out.writeUInt16LE(nidOf(layout.nodes[0]!, layout), at + 14);
  out.writeUIntLE(layout.nodes.length, at + 16, 6);
  out.writeUInt32LE(layout.metadataBlocks + layout.copiedBlocks, at + 36);
  uuidOf(options.diffId).copy(out, at + 48);
  out.writeUInt32LE(INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE, at + 80);
  out.writeUInt16LE(1, at + 86);
  out.writeUInt16LE(DEVICE_TABLE_OFFSET / DEVICE_SLOT_SIZE, at + 88);
  out.write(options.diffId.replace('sha256:', ''), DEVICE_TABLE_OFFSET, 64, 'latin1');
  out.writeUInt32LE(tarBlocks, DEVICE_TABLE_OFFSET + 64);
  // The checksum covers the superblock's whole block, which the first inodes share.
  out.writeUInt32LE(crc32c(out.subarray(at, at + BLOCK)), at + 4);
}

function writeInode(out: Buffer, node: LayerNode, layout: Layout): void {
  const offset = layout.offsets[node.number]!;
  const chunks = chunksOf(node, layout);
  const inline = inlineSize(node, layout);
  const form = chunks ? LAYOUT_CHUNK_BASED : inline > 0 ? LAYOUT_FLAT_INLINE : LAYOUT_FLAT_PLAIN;
  out.writeUInt16LE(1 | (form << 1), offset);
  const xattrs = layout.xattrs.get(node);
  if (xattrs) {
    out.writeUInt16LE((xattrs.length - 12) / 4 + 1, offset + 2);
    xattrs.copy(out, offset + 64);
  }
  out.writeUInt16LE(node.mode, offset + 4);
  writeInt64(out, contentSize(node, layout), offset + 8);
  out.writeUInt32LE(unionField(node, chunks, layout), offset + 16);
  out.writeUInt32LE(nidOf(node, layout) >>> 0, offset + 20);
  out.writeUInt32LE(node.uid, offset + 24);
  out.writeUInt32LE(node.gid, offset + 28);
  writeInt64(out, node.mtime, offset + 32);
  out.writeUInt32LE(node.mtimeNs, offset + 40);
  out.writeUInt32LE(layout.links[node.number]!, offset + 44);
  if (chunks) writeChunkIndexes(out, chunks, chunkIndexOffset(node, offset, layout), layout.metadataBlocks);
  else if (isDirectory(node)) writeDirectory(out, node, inline, layout);
  else if (isSymlink(node)) writeTarget(out, node, inline, layout);
}

/** `i_u`: chunk format, device number or first block, by type. */
function unionField(node: LayerNode, chunks: ChunkMap | undefined, { startBlocks }: Layout): number {
  if (chunks) return CHUNK_FORMAT_INDEXES | chunks.bits;
  return isDirectory(node) || isSymlink(node) || isRegular(node) ? startBlocks[node.number]! : node.rdev;
}

function writeDirectory(out: Buffer, node: LayerNode, inline: number, layout: Layout): void {
  const plan = layout.directories.get(node)!;
  const last = plan.blocks.length - 1;
  for (let block = 0; block <= last; block++) {
    const isInline = block === last && inline > 0;
    const at = isInline ? inlineOffset(node, layout) : (layout.startBlocks[node.number]! + block) * BLOCK;
    writeDirectoryBlock(plan, block, out, at, (child) => nidOf(child, layout));
  }
}

function writeTarget(out: Buffer, node: LayerNode, inline: number, layout: Layout): void {
  const { target } = node;
  const inBlocks = target.length - inline;
  if (inBlocks > 0) out.write(target.slice(0, inBlocks), layout.startBlocks[node.number]! * BLOCK, 'latin1');
  out.write(target.slice(inBlocks), inlineOffset(node, layout), 'latin1');
}

function inlineOffset(node: LayerNode, layout: Layout): number {
  return layout.offsets[node.number]! + headSize(node, layout);
}

function writeChunkIndexes(out: Buffer, { chunks }: ChunkMap, offset: number, copiesBlock: number): void {
  let at = offset;
  for (const chunk of chunks) {
    const device = Math.floor(chunk / 2 ** 32);
    const block = chunk === HOLE ? NULL_BLOCK : device === DEVICE_INDEX ? copiesBlock + chunk : chunk % 2 ** 32;
    out.writeUInt16LE(chunk === HOLE ? 0 : device, at + 2);
    out.writeUInt32LE(block, at + 4);
    at += CHUNK_INDEX_SIZE;
  }
}

function writeInt64(out: Buffer, value: number, offset: number): void {
  out.writeUInt32LE(value >>> 0, offset);
  out.writeInt32LE(Math.floor(value / 2 ** 32), offset + 4);
}
