import type { SparseSegment } from '#archive/tar-entry.ts';
import { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from './file-types.ts';
import type { LayerTime } from './layer-time.ts';

/** What an inode of a layer is, apart from its names. Strings are latin1 (see TarEntry). */
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
  /** Regular files: which of several tars holds the body. */
  source?: number;
  xattrs?: ReadonlyMap<string, Buffer>;
  /** Sparse files: the pieces. */
  segments?: readonly SparseSegment[];
  /** Symlinks; it never changes. */
  target?: string;
  /** Devices: the number in the kernel's 32-bit encoding; a character device without one, or 0, is a whiteout. */
  rdev?: number;
  /** A directory that hides the one of the same name in the layers below. */
  opaque?: boolean;
  /** A directory that no entry has described yet: only the paths of others imply it. */
  implied?: boolean;
}

export function makeNode(mode: number): LayerNode {
  return { mode, uid: 0, gid: 0, mtime: 0, mtimeNs: 0, size: 0, dataOffset: 0, headerOffset: 0 };
}

/** An empty directory of root's, as the path of an entry in it implies. */
export function makeDirectory(time: LayerTime = { mtime: 0, mtimeNs: 0 }): LayerNode {
  return { ...makeNode(S_IFDIR | 0o755), ...time, implied: true };
}

export function makeWhiteout(): LayerNode {
  return makeNode(S_IFCHR);
}

export function isDirectory({ mode }: Pick<LayerNode, 'mode'>): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}

export function isRegular({ mode }: Pick<LayerNode, 'mode'>): boolean {
  return (mode & S_IFMT) === S_IFREG;
}

export function isSymlink({ mode }: Pick<LayerNode, 'mode'>): boolean {
  return (mode & S_IFMT) === S_IFLNK;
}

export function isWhiteout({ mode, rdev }: Pick<LayerNode, 'mode' | 'rdev'>): boolean {
  return (mode & S_IFMT) === S_IFCHR && !rdev;
}
