/*
 * What the engine writes to the standard input of wherry-tree, and reads from its output. All integers are little-endian, as the machines are. The
 * TypeScript side is src/archive/tree-records.ts (unpack) and src/graphdriver/tree/extract-wire.ts (extract).
 */
#ifndef WHERRY_TREE_PROTOCOL_H
#define WHERRY_TREE_PROTOCOL_H

#include <stdint.h>

/*
 * What `wherry-tree unpack` reads (`unpack-here` behind the u32 length and the path of a folder): for each entry this struct, then name, link and attributes (u32 length of the key with
 * its NUL, u32 length of the value, key, value) of the lengths it says, then `size` bytes. Names are relative, without `.`
 * and `..`. Of a file of TREE_PIECES bytes or more the content comes in pieces: each is a struct tree_piece, then its bytes,
 * if it does not come `from_client`. Those are the next ones of the body of the client's request, whose socket is descriptor 3:
 * `left` bytes until the end of their chunk, or of the body. They are answered on standard output with a struct tree_received:
 * how many have been taken, what is `left` of the last chunk then (0 = the line between two chunks is next), and the bytes
 * that were read beyond that, which come behind it.
 */
struct tree_entry {
  uint32_t type; /* the character that stands for it in a tar: '0' file, '1' hard link, ... */
  uint32_t mode, uid, gid, major, minor;
  int64_t mtime;
  uint32_t mtime_ns;
  uint32_t name_length, link_length, xattrs_length;
  uint64_t size; /* of a file */
};
#define TREE_PIECES (1u << 20)
struct tree_piece {
  uint64_t length, left;
  uint64_t from_client; /* 0 or 1 */
};
struct tree_received {
  uint64_t length, left;
  uint64_t spare; /* bytes */
};

/*
 * What `wherry-tree extract` reads: a tree of files as a sequence of entries, in the order in which they are made: a
 * directory is entered, what it holds follows, and when it is left it gets its attributes; the last entry leaves the root.
 * Behind each struct extract_entry come its name, its text, its segments, and its extended attributes, each a struct
 * extract_xattr, its name, its value. Names and texts have no NUL.
 */
enum extract_op {
  EXTRACT_ENTER = 1,   /* makes a directory and goes into it */
  EXTRACT_LEAVE = 2,   /* gives the current directory its attributes and goes to its parent */
  EXTRACT_FILE = 3,    /* `size` bytes: its segments, and zeros between them */
  EXTRACT_SYMLINK = 4, /* text: its target */
  EXTRACT_NODE = 5,    /* a device or FIFO: `size` is the device number in the kernel's 32-bit encoding */
  EXTRACT_LINK = 6,    /* a hard link; text: the path from the root of a file that is there */
};

struct extract_entry {
  uint8_t op, zero;
  uint16_t name_length;
  uint32_t mode, uid, gid; /* mode: type and permissions */
  int64_t seconds;         /* since 1970 */
  uint32_t nanoseconds, segments;
  uint64_t size;
  uint32_t text_length, xattrs;
};

/* `length` bytes of a file at `offset` are those at `source` in the source file of this number. */
struct extract_segment {
  uint64_t offset, length, source;
  uint32_t file, zero;
};

struct extract_xattr {
  uint32_t name_length, value_length;
};

#endif
