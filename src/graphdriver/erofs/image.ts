import { createHash } from 'node:crypto';
import { invalid } from '#errors/errors.ts';
import { isDirectory, isRegular, isSymlink } from '../tree/layer-node.ts';
import { HOLE } from './chunks.ts';
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
  NULL_BLOCK,
  SUPERBLOCK_MAGIC,
  SUPERBLOCK_OFFSET,
} from './format.ts';
import { chunkIndexOffset, headSize, type Inode, type Layout, nidOf } from './layout.ts';

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
  for (const inode of layout.inodes) writeInode(out, inode, layout);
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
  out.writeUInt16LE(nidOf(layout.inodes[0]!), at + 14);
  out.writeUIntLE(layout.inodes.length, at + 16, 6);
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

function writeInode(out: Buffer, inode: Inode, layout: Layout): void {
  const { node, offset } = inode;
  out.writeUInt16LE(1 | (inode.layout << 1), offset);
  if (inode.xattrs) {
    out.writeUInt16LE((inode.xattrs.length - 12) / 4 + 1, offset + 2);
    inode.xattrs.copy(out, offset + 64);
  }
  out.writeUInt16LE(node.mode, offset + 4);
  writeInt64(out, inode.size, offset + 8);
  out.writeUInt32LE(unionField(inode), offset + 16);
  out.writeUInt32LE(nidOf(inode) >>> 0, offset + 20);
  out.writeUInt32LE(node.uid, offset + 24);
  out.writeUInt32LE(node.gid, offset + 28);
  writeInt64(out, node.mtime, offset + 32);
  out.writeUInt32LE(node.mtimeNs, offset + 40);
  out.writeUInt32LE(inode.links, offset + 44);
  writeContent(out, inode, layout);
}

/** `i_u`: chunk format, device number or first block, by type. */
function unionField(inode: Inode): number {
  if (inode.chunks) return CHUNK_FORMAT_INDEXES | inode.chunks.bits;
  const { node } = inode;
  return isDirectory(node) || isSymlink(node) || isRegular(node) ? inode.startBlock : node.rdev;
}

function writeContent(out: Buffer, inode: Inode, layout: Layout): void {
  if (inode.chunks) writeChunkIndexes(out, inode, layout.metadataBlocks);
  else if (inode.directory) {
    const last = inode.directory.blocks.length - 1;
    for (let block = 0; block <= last; block++) {
      const inline = block === last && inode.inlineSize > 0;
      const at = inline ? inode.offset + headSize(inode) : (inode.startBlock + block) * BLOCK;
      writeDirectoryBlock(inode.directory, block, out, at, (node) => nidOf(layout.byNode.get(node)!));
    }
  } else if (isSymlink(inode.node)) {
    const inBlocks = inode.size - inode.inlineSize;
    const { target } = inode.node;
    if (inBlocks > 0) out.write(target.slice(0, inBlocks), inode.startBlock * BLOCK, 'latin1');
    out.write(target.slice(inBlocks), inode.offset + headSize(inode), 'latin1');
  }
}

function writeChunkIndexes(out: Buffer, inode: Inode, copiesBlock: number): void {
  let at = chunkIndexOffset(inode);
  for (const chunk of inode.chunks!.chunks) {
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
