import type { SparseSegment } from '#archive/tar-entry.ts';
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './file-types.ts';
import type { LayerTime } from './layer-time.ts';

/** An inode of a layer. Hard links are one node under several names. Names are latin1 strings (see TarEntry). */
export interface LayerNode {
  /** Type (S_IFMT) and permissions. */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since 1970 and nanoseconds on top; see layer-time.ts. */
  mtime: number;
  mtimeNs: number;
  xattrs: ReadonlyMap<string, Buffer> | undefined;
  /** Regular files: length in bytes, where the body lies in the tar, the pieces if it is sparse. */
  size: number;
  dataOffset: number;
  segments: readonly SparseSegment[] | undefined;
  /** Symlinks: the target. */
  target: string;
  /** Devices: the number in the kernel's 32-bit encoding; a character device 0 is a whiteout. */
  rdev: number;
  /** Directories: what they hold... */
  children: Map<string, LayerNode> | undefined;
  /** ...and whether they hide the directory of the same name in the layers below. */
  opaque: boolean;
  /** Offset of the last header in the tar that described it, for messages. */
  headerOffset: number;
  /** Directories: no entry has described it yet, only the paths of others imply it. */
  implied: boolean;
  /** Its place among all, for whoever lays them out. */
  number: number;
}

export type DirectoryNode = LayerNode & { children: Map<string, LayerNode> };

export function makeNode(mode: number): LayerNode {
  return {
    mode,
    uid: 0,
    gid: 0,
    mtime: 0,
    mtimeNs: 0,
    xattrs: undefined,
    size: 0,
    dataOffset: 0,
    segments: undefined,
    target: '',
    rdev: 0,
    children: undefined,
    opaque: false,
    headerOffset: 0,
    implied: false,
    number: 0,
  };
}

/** An empty directory of root's, as the path of an entry in it implies. */
export function makeDirectory(time: LayerTime = { mtime: 0, mtimeNs: 0 }): DirectoryNode {
  const node = makeNode(S_IFDIR | 0o755);
  return Object.assign(node, { children: new Map<string, LayerNode>(), implied: true }, time);
}

export function makeWhiteout(): LayerNode {
  return makeNode(S_IFCHR);
}

export function isDirectory(node: LayerNode): node is DirectoryNode {
  return node.children !== undefined;
}

export function isRegular(node: LayerNode): boolean {
  return (node.mode & S_IFMT) === S_IFREG;
}

export function isSymlink(node: LayerNode): boolean {
  return (node.mode & S_IFMT) === S_IFLNK;
}

export function isWhiteout(node: LayerNode): boolean {
  return (node.mode & S_IFMT) === S_IFCHR && node.rdev === 0;
}
