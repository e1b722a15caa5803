import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } from '../tree/file-types.ts';

/**
 * Constants of the on-disk format (kernel: fs/erofs/erofs_fs.h; https://erofs.docs.kernel.org). All numbers on disk are
 * little-endian. What this writer uses: blocks of 512 bytes, so that the bodies in a tar are block-aligned; one extra
 * device, the tar; extended inodes; chunk-based files.
 */
export const BLOCK = 512;
export const BLOCK_BITS = 9;

export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_SIZE = 128;
export const SUPERBLOCK_MAGIC = 0xe0f5e1e2;
export const COMPAT_CHECKSUM = 0x1;
export const COMPAT_MTIME = 0x2;
export const INCOMPAT_CHUNKED_FILE = 0x4;
export const INCOMPAT_DEVICE_TABLE = 0x8;

export const DEVICE_SLOT_SIZE = 128;
export const DEVICE_TABLE_OFFSET = SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE;
/** Where the first inode may begin. */
export const INODES_OFFSET = DEVICE_TABLE_OFFSET + DEVICE_SLOT_SIZE;

/** An inode's number (nid) is its offset divided by this. */
export const INODE_SLOT = 32;
export const EXTENDED_INODE_SIZE = 64;
export const LAYOUT_FLAT_PLAIN = 0;
export const LAYOUT_FLAT_INLINE = 2;
export const LAYOUT_CHUNK_BASED = 4;

export const CHUNK_FORMAT_INDEXES = 0x20;
export const CHUNK_INDEX_SIZE = 8;
/** The largest chunk is 512 << 31 bytes = 1 TiB. */
export const MAX_CHUNK_BITS = 31;
export const NULL_BLOCK = 0xffffffff;
/** Chunks on device 0 lie in the index itself, those on device 1 in the tar. */
export const DEVICE_INDEX = 0;
export const DEVICE_TAR = 1;

export const DIRENT_SIZE = 12;

export const XATTR_HEADER_SIZE = 12;
export const XATTR_ENTRY_SIZE = 4;

/** File type in a directory entry (the kernel's FT_*), by S_IFMT bits. */
export const DIRENT_TYPE: Readonly<Record<number, number>> = {
  [S_IFREG]: 1,
  [S_IFDIR]: 2,
  [S_IFCHR]: 3,
  [S_IFBLK]: 4,
  [S_IFIFO]: 5,
  [S_IFLNK]: 7,
};
