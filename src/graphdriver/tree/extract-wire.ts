/** The engine's side of `extract` in native/tree/protocol.h. All integers are little-endian. */
import type { LayerNode } from './layer-node.ts';
import type { Xattr } from './xattrs.ts';

export const op = { enter: 1, leave: 2, file: 3, symlink: 4, node: 5, link: 6 } as const;

const ENTRY_SIZE = 48;
const SEGMENT_SIZE = 32;
const XATTR_SIZE = 8;

/** `length` bytes of a file at `offset`, which are those at `source` in the source file `file`. */
export interface ExtractSegment {
  offset: number;
  length: number;
  source: number;
  file: number;
}

export interface ExtractEntry {
  op: (typeof op)[keyof typeof op];
  name: string;
  /** A symlink's target, or a hard link's path from the root. */
  text?: string;
  /** Whose attributes it gets; not for `enter` and `link`. */
  node?: LayerNode;
  segments?: readonly ExtractSegment[];
  xattrs?: readonly Xattr[];
}

/** Bytes of an entry as `writeEntry` writes it. */
export function entrySize({ name, text = '', segments = [], xattrs = [] }: ExtractEntry): number {
  let size = ENTRY_SIZE + name.length + text.length + segments.length * SEGMENT_SIZE;
  for (const [key, value] of xattrs) size += XATTR_SIZE + key.length + value.length;
  return size;
}

/** Strings are latin1, byte for byte. */
export function writeEntry(
  { op, name, text = '', node, segments = [], xattrs = [] }: ExtractEntry,
  bytes: Buffer,
): void {
  bytes.fill(0, 0, ENTRY_SIZE);
  bytes[0] = op;
  bytes.writeUInt16LE(name.length, 2);
  if (node) writeAttributes(bytes, node);
  bytes.writeUInt32LE(segments.length, 28);
  bytes.writeUInt32LE(text.length, 40);
  bytes.writeUInt32LE(xattrs.length, 44);
  let at = ENTRY_SIZE;
  at += bytes.write(name, at, 'latin1');
  at += bytes.write(text, at, 'latin1');
  for (const segment of segments) at = writeSegment(bytes, at, segment);
  for (const [key, value] of xattrs) {
    bytes.writeUInt32LE(key.length, at);
    bytes.writeUInt32LE(value.length, at + 4);
    at += XATTR_SIZE;
    at += bytes.write(key, at, 'latin1');
    at += value.copy(bytes, at);
  }
}

function writeAttributes(bytes: Buffer, node: LayerNode): void {
  bytes.writeUInt32LE(node.mode, 4);
  bytes.writeUInt32LE(node.uid, 8);
  bytes.writeUInt32LE(node.gid, 12);
  bytes.writeBigInt64LE(BigInt(node.mtime), 16);
  bytes.writeUInt32LE(node.mtimeNs, 24);
  bytes.writeBigUInt64LE(BigInt(node.size || (node.rdev ?? 0)), 32);
}

function writeSegment(bytes: Buffer, at: number, { offset, length, source, file }: ExtractSegment): number {
  bytes.writeBigUInt64LE(BigInt(offset), at);
  bytes.writeBigUInt64LE(BigInt(length), at + 8);
  bytes.writeBigUInt64LE(BigInt(source), at + 16);
  bytes.writeUInt32LE(file, at + 24);
  bytes.writeUInt32LE(0, at + 28);
  return at + SEGMENT_SIZE;
}
