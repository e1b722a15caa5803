/**
 * What a tar header says, all formats made equal. Names are `latin1` strings: one UTF-16 unit per byte, so that names
 * which are not UTF-8 survive byte for byte (`Buffer.from(name, 'latin1')` gives the bytes).
 */
export interface TarEntry {
  type: TarType;
  /** As written, neither cleaned nor made safe: may be absolute, hold `..`, end with `/`. */
  name: string;
  /** Target of a symlink or hard link; else empty. */
  linkName: string;
  /** Permission bits and setuid, setgid, sticky (07777). */
  mode: number;
  uid: number;
  gid: number;
  userName: string;
  groupName: string;
  /** Whole seconds since 1970, rounded down: may be negative. */
  mtime: number;
  /** 0 to 999,999,999, counted up from `mtime`. */
  mtimeNs: number;
  /** The file's own length in bytes, holes included; 0 for all but regular files. */
  size: number;
  deviceMajor: number;
  deviceMinor: number;
  /** Extended attributes by full name (`user.x`), both byte for byte. */
  xattrs: ReadonlyMap<string, Buffer> | undefined;
  /** Where the archive's bytes for this entry begin (the body, padding not included)... */
  dataOffset: number;
  /** ...and how many there are: `size`, or for a sparse file the sum of its segments. */
  dataSize: number;
  /** The pieces of a sparse file in ascending order; undefined when the body is the file. */
  segments: readonly SparseSegment[] | undefined;
  /** Offset of the entry's own header block, for messages. */
  headerOffset: number;
}

export type TarType = 'file' | 'directory' | 'symlink' | 'link' | 'character' | 'block' | 'fifo';

/** `length` bytes of the file at `offset`; everything between segments is zero. */
export interface SparseSegment {
  offset: number;
  length: number;
}
