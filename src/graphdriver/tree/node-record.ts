import type { Page } from '#lib/paged-bytes.ts';
import { isDirectory, isRegular, isSymlink, type LayerNode } from './layer-node.ts';

/** Where the fields of an inode's record are. */
export const MODE = 0;
const FLAGS = 2;
const UID = 4;
const GID = 8;
const MTIME_NS = 12;
const MTIME = 16;
export const SIZE = 24;
const DATA_OFFSET = 32;
const HEADER_OFFSET = 40;
/** Regular files: source; devices: number; symlinks: the target's length; directories: how many names it has. */
export const BY_TYPE = 48;
/** Where what few have was kept, or 0. */
export const EXTRAS = 52;
/** The notes follow; a symlink's target follows the record. */
const NOTES = 56;
const RECORD_SIZE = 72;
/** Of a directory: where the chain of its names begins and ends. */
export const FIRST = 72;
export const LAST = 76;
const DIRECTORY_NOTES = 80;
const DIRECTORY_SIZE = 96;

const OPAQUE = 1;
const IMPLIED = 2;

/** Numbers below 2^32 that whoever writes a tree out keeps with its nodes. */
export const note = {
  /** How many names lead to it. */
  links: NOTES,
  place: NOTES + 4,
  /** Not of regular files. */
  block: NOTES + 8,
  /** Of regular files. */
  chunks: NOTES + 8,
  attributes: NOTES + 12,
  /** Of directories. */
  parent: DIRECTORY_NOTES,
  entries: DIRECTORY_NOTES + 4,
  size: DIRECTORY_NOTES + 8,
} as const;

/** Bytes of a node's record; a symlink's target belongs to it. */
export function recordSize(node: LayerNode): number {
  return isDirectory(node) ? DIRECTORY_SIZE : RECORD_SIZE + (node.target?.length ?? 0);
}

export function writeRecord(view: DataView, at: number, node: LayerNode): void {
  const flags = (node.opaque ? OPAQUE : 0) | (node.implied ? IMPLIED : 0);
  view.setUint16(at + MODE, node.mode, true);
  view.setUint16(at + FLAGS, flags, true);
  view.setUint32(at + UID, node.uid, true);
  view.setUint32(at + GID, node.gid, true);
  view.setUint32(at + MTIME_NS, node.mtimeNs, true);
  view.setFloat64(at + MTIME, node.mtime, true);
  view.setFloat64(at + SIZE, node.size, true);
  view.setFloat64(at + DATA_OFFSET, node.dataOffset, true);
  view.setFloat64(at + HEADER_OFFSET, node.headerOffset, true);
  if (isRegular(node)) view.setUint32(at + BY_TYPE, node.source ?? 0, true);
  else if (!isDirectory(node) && !isSymlink(node)) view.setUint32(at + BY_TYPE, node.rdev ?? 0, true);
}

export function writeTarget({ bytes, view }: Page, at: number, target: string): void {
  view.setUint32(at + BY_TYPE, target.length, true);
  bytes.write(target, at + RECORD_SIZE, 'latin1');
}

/** The node, without its extras. */
export function readRecord({ bytes, view }: Page, at: number): LayerNode {
  const node: LayerNode = {
    mode: view.getUint16(at + MODE, true),
    uid: view.getUint32(at + UID, true),
    gid: view.getUint32(at + GID, true),
    mtime: view.getFloat64(at + MTIME, true),
    mtimeNs: view.getUint32(at + MTIME_NS, true),
    size: view.getFloat64(at + SIZE, true),
    dataOffset: view.getFloat64(at + DATA_OFFSET, true),
    headerOffset: view.getFloat64(at + HEADER_OFFSET, true),
  };
  const byType = view.getUint32(at + BY_TYPE, true);
  if (isRegular(node)) node.source = byType;
  else if (isSymlink(node)) node.target = bytes.toString('latin1', at + RECORD_SIZE, at + RECORD_SIZE + byType);
  else if (!isDirectory(node)) node.rdev = byType;
  else {
    const flags = view.getUint16(at + FLAGS, true);
    node.opaque = (flags & OPAQUE) !== 0;
    node.implied = (flags & IMPLIED) !== 0;
  }
  return node;
}
