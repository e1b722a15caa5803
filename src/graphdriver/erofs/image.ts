import { createHash } from 'node:crypto';
import type { LayerNode } from '../tree/layer-node.ts';
import { note } from '../tree/node-record.ts';
import type { EntryId, NodeId, NodeStore } from '../tree/node-store.ts';
import { type ChunkMap, decodeChunkMap, HOLE, wholeMap } from './chunks.ts';
import { crc32c } from './crc32c.ts';
import { blocksOf, writeDirectoryBlock } from './directory.ts';
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
import {
  blocksSize,
  chunkCount,
  chunkIndexOffset,
  contentSize,
  entriesOf,
  headSize,
  inlineSize,
  type Layout,
} from './layout.ts';
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
  for (const id of layout.nodes) writeInode(out, id, layout);
  for (const id of layout.inBlocks) writeBlocks(out, id, layout);
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
  piece.writeUInt16LE(layout.store.noteOf(layout.nodes[0]!, note.place), at + 14);
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
function writeInode(out: PieceWriter, id: NodeId, layout: Layout): void {
  const { store } = layout;
  const { piece } = out;
  const node = store.get(id);
  const nid = store.noteOf(id, note.place);
  const offset = nid * INODE_SLOT;
  const map = chunkMapOf(id, node, store);
  const inline = inlineSize(id, store);
  const form = map ? LAYOUT_CHUNK_BASED : inline > 0 ? LAYOUT_FLAT_INLINE : LAYOUT_FLAT_PLAIN;
  const xattrs = store.keptNote(id, note.attributes);
  const at = out.place(offset, EXTENDED_INODE_SIZE);
  piece.writeUInt16LE(1 | (form << 1), at);
  if (xattrs) piece.writeUInt16LE((xattrs.length - XATTR_HEADER_SIZE) / 4 + 1, at + 2);
  piece.writeUInt16LE(node.mode, at + 4);
  writeInt64(piece, contentSize(id, store), at + 8);
  piece.writeUInt32LE(unionField(id, node, map, layout), at + 16);
  piece.writeUInt32LE(nid, at + 20);
  piece.writeUInt32LE(node.uid, at + 24);
  piece.writeUInt32LE(node.gid, at + 28);
  writeInt64(piece, node.mtime, at + 32);
  piece.writeUInt32LE(node.mtimeNs, at + 40);
  piece.writeUInt32LE(store.noteOf(id, note.links), at + 44);
  if (xattrs) xattrs.copy(piece, out.place(offset + EXTENDED_INODE_SIZE, xattrs.length));
  if (map) writeChunkIndexes(out, map, chunkIndexOffset(id, offset, store), layout);
  else if (inline > 0) writeInline(out, id, node, inline, offset + headSize(id, store), layout);
}

/** Where the content of a regular file lies that has some. */
function chunkMapOf(id: NodeId, node: LayerNode, store: NodeStore): ChunkMap | undefined {
  if (chunkCount(id, store) === 0) return undefined;
  const kept = store.keptNote(id, note.chunks);
  return kept ? decodeChunkMap(kept) : wholeMap(node);
}

/** `i_u`: chunk format, device number or first block, by type. */
function unionField(id: NodeId, node: LayerNode, map: ChunkMap | undefined, layout: Layout): number {
  if (map) return CHUNK_FORMAT_INDEXES | map.bits;
  return node.rdev ?? (blocksSize(id, layout.store) > 0 ? firstBlock(id, layout) : 0);
}

function firstBlock(id: NodeId, { store, blockStart }: Layout): number {
  return blockStart + store.noteOf(id, note.block);
}

/** The end of a directory or of a symlink's target. */
function writeInline(
  out: PieceWriter,
  id: NodeId,
  { target }: LayerNode,
  length: number,
  offset: number,
  layout: Layout,
): void {
  const at = out.place(offset, length);
  if (target !== undefined) {
    out.piece.write(target.slice(-length), at, 'latin1');
    return;
  }
  const last = [...blocksOf(layout.store, entriesOf(id, layout))].at(-1)!;
  writeDirectoryBlock(layout.store, last, out.piece, at, nodesOf(id, layout));
}

/** What of a directory or of a symlink's target is not inline. */
function writeBlocks(out: PieceWriter, id: NodeId, layout: Layout): void {
  const { store } = layout;
  let offset = firstBlock(id, layout) * BLOCK;
  const end = offset + blocksSize(id, store);
  if (!store.isDirectory(id)) {
    const length = end - offset;
    out.piece.write(store.get(id).target!.slice(0, length), out.place(offset, length), 'latin1');
    return;
  }
  for (const entries of blocksOf(store, entriesOf(id, layout))) {
    if (offset >= end) break;
    writeDirectoryBlock(store, entries, out.piece, out.place(offset, BLOCK), nodesOf(id, layout));
    offset += BLOCK;
  }
}

/** What the entries of a directory stand for. */
function nodesOf(directory: NodeId, { store, dots }: Layout): (entry: EntryId) => NodeId {
  const [dot, dotDot] = dots;
  return (entry) =>
    entry === dot ? directory : entry === dotDot ? store.noteOf(directory, note.parent) : store.nodeOf(entry);
}

function writeChunkIndexes(out: PieceWriter, { chunks }: ChunkMap, offset: number, layout: Layout): void {
  for (const [index, chunk] of chunks.entries()) {
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
