import { createHash } from 'node:crypto';
import { isDirectory, isRegular, isSymlink, type LayerNode } from '../tree/layer-node.ts';
import { coveringBits, HOLE, tarBlock } from './chunks.ts';
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
  EXTENDED_INODE_SIZE,
  INCOMPAT_CHUNKED_FILE,
  INCOMPAT_DEVICE_TABLE,
  INODE_SLOT,
  LAYOUT_CHUNK_BASED,
  LAYOUT_FLAT_INLINE,
  LAYOUT_FLAT_PLAIN,
  NULL_BLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
  SUPERBLOCK_SIZE,
  XATTR_HEADER_SIZE,
} from './format.ts';
import { chunkCount, chunkIndexOffset, contentSize, headSize, inlineSize, type Layout, nidOf } from './layout.ts';
import { PieceWriter, type PutPiece } from './piece-writer.ts';

/** Changes whenever the same tar would give another index: indexes of other versions are made anew. */
export const WRITER_VERSION = 2;

export interface ImageOptions {
  /** `sha256:<hex>` of the tar. */
  diffId: string;
  /** Bytes of the tar, padding included. */
  tarSize: number;
}

/**
 * Puts the index, up to the copies, which belong at `layout.metadataBlocks * 512`. The first 1024 bytes, which the format
 * leaves free, are zero.
 */
export function writeImage(layout: Layout, options: ImageOptions, put: PutPiece): void {
  const out = new PieceWriter((piece, position) => {
    if (position === 0) writeChecksum(piece);
    put(piece, position);
  });
  writeSuperblock(out, layout, options);
  for (const node of layout.nodes) writeInode(out, node, layout);
  for (const node of layout.nodes) writeBlocks(out, node, layout);
  out.end(layout.metadataBlocks * BLOCK);
}

/** Covers the superblock's whole block, which the first inodes share. */
function writeChecksum(piece: Buffer): void {
  const checksum = crc32c(piece.subarray(SUPERBLOCK_OFFSET, SUPERBLOCK_OFFSET + BLOCK));
  piece.writeUInt32LE(checksum, SUPERBLOCK_OFFSET + 4);
}

/** With a zero UUID, overlayfs gives a copied-up file another (st_dev, st_ino) at every mount. */
function uuidOf(diffId: string): Buffer {
  return createHash('sha256').update(`${diffId} ${WRITER_VERSION}`).digest().subarray(0, 16);
}

function writeSuperblock(out: PieceWriter, layout: Layout, { diffId, tarSize }: ImageOptions): void {
  const { piece } = out;
  const at = out.place(SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE);
  piece.writeUInt32LE(SUPERBLOCK_MAGIC, at);
  piece.writeUInt32LE(COMPAT_CHECKSUM | COMPAT_MTIME, at + 8);
  piece[at + 12] = BLOCK_BITS;
  piece.writeUInt16LE(nidOf(layout.nodes[0]!, layout), at + 14);
  piece.writeUIntLE(layout.nodes.length, at + 16, 6);
  piece.writeUInt32LE(layout.metadataBlocks + layout.copiedBlocks, at + 36);
  uuidOf(diffId).copy(piece, at + 48);
  piece.writeUInt32LE(INCOMPAT_CHUNKED_FILE | INCOMPAT_DEVICE_TABLE, at + 80);
  piece.writeUInt16LE(1, at + 86);
  piece.writeUInt16LE(DEVICE_TABLE_OFFSET / DEVICE_SLOT_SIZE, at + 88);
  const device = out.place(DEVICE_TABLE_OFFSET, DEVICE_SLOT_SIZE);
  piece.write(diffId.replace('sha256:', ''), device, 64, 'latin1');
  piece.writeUInt32LE(Math.ceil(tarSize / BLOCK), device + 64);
}

/** The inode with all that directly follows it. */
function writeInode(out: PieceWriter, node: LayerNode, layout: Layout): void {
  const { piece } = out;
  const offset = nidOf(node, layout) * INODE_SLOT;
  const isChunked = chunkCount(node, layout) > 0;
  const inline = inlineSize(node, layout);
  const form = isChunked ? LAYOUT_CHUNK_BASED : inline > 0 ? LAYOUT_FLAT_INLINE : LAYOUT_FLAT_PLAIN;
  const xattrs = layout.xattrs.get(node);
  const at = out.place(offset, EXTENDED_INODE_SIZE);
  piece.writeUInt16LE(1 | (form << 1), at);
  if (xattrs) piece.writeUInt16LE((xattrs.length - XATTR_HEADER_SIZE) / 4 + 1, at + 2);
  piece.writeUInt16LE(node.mode, at + 4);
  writeInt64(piece, contentSize(node, layout), at + 8);
  piece.writeUInt32LE(unionField(node, isChunked, layout), at + 16);
  piece.writeUInt32LE(nidOf(node, layout) >>> 0, at + 20);
  piece.writeUInt32LE(node.uid, at + 24);
  piece.writeUInt32LE(node.gid, at + 28);
  writeInt64(piece, node.mtime, at + 32);
  piece.writeUInt32LE(node.mtimeNs, at + 40);
  piece.writeUInt32LE(layout.links[node.number]!, at + 44);
  if (xattrs) xattrs.copy(piece, out.place(offset + EXTENDED_INODE_SIZE, xattrs.length));
  if (isChunked) writeChunkIndexes(out, node, chunkIndexOffset(node, offset, layout), layout);
  else if (inline > 0) writeInline(out, node, inline, offset + headSize(node, layout), layout);
}

/** `i_u`: chunk format, device number or first block, by type. */
function unionField(node: LayerNode, isChunked: boolean, { chunkMaps, startBlocks }: Layout): number {
  if (isChunked) return CHUNK_FORMAT_INDEXES | (chunkMaps.get(node)?.bits ?? coveringBits(node.size));
  return isDirectory(node) || isSymlink(node) || isRegular(node) ? startBlocks[node.number]! : (node.rdev ?? 0);
}

/** The end of a directory or of a symlink's target. */
function writeInline(out: PieceWriter, node: LayerNode, length: number, offset: number, layout: Layout): void {
  const at = out.place(offset, length);
  const plan = layout.directories.get(node);
  if (plan) writeDirectoryBlock(plan, plan.blocks.length - 1, out.piece, at, (child) => nidOf(child, layout));
  else if (isSymlink(node)) out.piece.write(node.target.slice(-length), at, 'latin1');
}

/** What of a directory or of a symlink's target is not inline. */
function writeBlocks(out: PieceWriter, node: LayerNode, layout: Layout): void {
  const first = layout.startBlocks[node.number]! * BLOCK;
  if (first === 0) return;
  const inline = inlineSize(node, layout);
  const plan = layout.directories.get(node);
  if (plan) {
    const count = inline > 0 ? plan.blocks.length - 1 : plan.blocks.length;
    for (let block = 0; block < count; block++) {
      const at = out.place(first + block * BLOCK, BLOCK);
      writeDirectoryBlock(plan, block, out.piece, at, (child) => nidOf(child, layout));
    }
  } else if (isSymlink(node)) {
    const length = node.target.length - inline;
    out.piece.write(node.target.slice(0, length), out.place(first, length), 'latin1');
  }
}

function writeChunkIndexes(out: PieceWriter, node: LayerNode, offset: number, layout: Layout): void {
  const map = layout.chunkMaps.get(node);
  if (!map) {
    writeChunkIndex(out, tarBlock(node.dataOffset), offset, layout);
    return;
  }
  for (const [index, chunk] of map.chunks.entries()) {
    writeChunkIndex(out, chunk, offset + index * CHUNK_INDEX_SIZE, layout);
  }
}

function writeChunkIndex(out: PieceWriter, chunk: number, offset: number, { metadataBlocks }: Layout): void {
  const device = Math.floor(chunk / 2 ** 32);
  const block = chunk === HOLE ? NULL_BLOCK : device === DEVICE_INDEX ? metadataBlocks + chunk : chunk % 2 ** 32;
  const at = out.place(offset, CHUNK_INDEX_SIZE);
  out.piece.writeUInt16LE(chunk === HOLE ? 0 : device, at + 2);
  out.piece.writeUInt32LE(block, at + 4);
}

function writeInt64(out: Buffer, value: number, offset: number): void {
  out.writeUInt32LE(value >>> 0, offset);
  out.writeInt32LE(Math.floor(value / 2 ** 32), offset + 4);
}
