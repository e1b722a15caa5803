import type { SparseSegment } from '#archive/tar-entry.ts';
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './file-types.ts';
import type { LayerTime } from './layer-time.ts';

/**
 * An inode of a layer. Hard links are one node under several names. Names are latin1 strings (see TarEntry). A layer may
 * have millions of nodes: what only some of them have is not there on the others.
 */
export interface LayerNode {
  /** Type (S_IFMT) and permissions. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970 and nanoseconds on top; see layer-time.ts. */
  mtime: number;
  mtimeNs: number;
  /** Regular files: length in bytes, and where the body lies in the tar; else 0. */
  size: number;
  dataOffset: number;
  /** Offset of the last header in the tar that described it, for messages. */
  headerOffset: number;
  /** Its place among all, for whoever lays them out. */
  number: number;
  xattrs?: ReadonlyMap<string, Buffer>;
  /** Sparse files: the pieces. */
  segments?: readonly SparseSegment[];
  /** Symlinks. */
  target?: string;
  /** Devices: the number in the kernel's 32-bit encoding; a character device without one, or 0, is a whiteout. */
  rdev?: number;
  /** Directories. */
  children?: Map<string, LayerNode>;
}

export interface DirectoryNode extends LayerNode {
  children: Map<string, LayerNode>;
  /** It hides the directory of the same name in the layers below. */
  opaque: boolean;
  /** No entry has described it yet, only the paths of others imply it. */
  implied: boolean;
}

export interface SymlinkNode extends LayerNode {
  target: string;
}

export function makeNode(mode: number): LayerNode {
  return { mode, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, size: 0, dataOffset: 0, headerOffset: 0, number: 0 };
}

/** An empty directory of root's, as the path of an entry in it implies. */
export function makeDirectory(time: LayerTime = { mtime: 0, mtimeNs: 0 }): DirectoryNode {
  const node = makeNode(S_IFDIR | 0o755);
  return { ...node, ...time, xattrs: undefined, children: new Map(), opaque: false, implied: true };
}

export function makeWhiteout(): LayerNode {
  return makeNode(S_IFCHR);
}

export function isDirectory(node: LayerNode): node is DirectoryNode {
  return node.children !== undefined;
}

export function isImplied(node: LayerNode): boolean {
  return isDirectory(node) && node.implied;
}

export function isRegular(node: LayerNode): boolean {
  return (node.mode & S_IFMT) === S_IFREG;
}

export function isSymlink(node: LayerNode): node is SymlinkNode {
  return (node.mode & S_IFMT) === S_IFLNK;
}

export function isWhiteout(node: LayerNode): boolean {
  return (node.mode & S_IFMT) === S_IFCHR && !node.rdev;
}
