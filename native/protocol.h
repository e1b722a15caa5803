/*
 * The private protocols of wherry, in one place.
 *
 *   launcher section: engine <-> launcher, over the socketpair whose descriptor is in WHERRY_LAUNCHER_FD
 *   monitor section:  engine <-> monitor, over the unix socket that the monitor inherits as descriptor 3
 *   tree section:     engine <-> tree program, on its standard input and output
 *
 * All integers are little-endian, as the machines are. The TypeScript side is src/linux/launcher-wire.ts, src/runtime/monitor-wire.ts and
 * src/graphdriver/tree/extract-wire.ts.
 */
#ifndef WHERRY_PROTOCOL_H
#define WHERRY_PROTOCOL_H

#include <stdint.h>

/* ------------------------------------------------------------------ launcher */

/*
 * A frame is a struct launcher_header and `length` bytes of payload. A request's payload is its fields, each with its u32
 * length in front: u32; bytes; text with a NUL at its end (absent: length 0); list = texts in a row.
 * A reply has the version, op and id of its request; its payload starts with an i32 errno: 0 and the result, or an error,
 * its name and its text (the rest). In a result, numbers have no length and texts no NUL. Replies come in any order.
 * A frame that is too long or has a wrong version ends the connection; an unknown op and bad fields get EBADMSG.
 */
#define LAUNCHER_VERSION 1
#define LAUNCHER_MAX_PAYLOAD (1u << 20)
/* `run` gives at most this much of each output stream; a program cannot write more than the second number. */
#define LAUNCHER_RUN_OUTPUT (64u << 10)
#define LAUNCHER_RUN_LIMIT (4u << 20)

struct launcher_header {
  uint16_t version, op;
  uint32_t id, length;
};

enum launcher_op {
  LAUNCHER_MOUNT = 1,         /* fstype, target, u32 attributes, list of "key=value" or "flag" -> */
  LAUNCHER_BIND = 2,          /* source, target, u32 recursive, u32 set, u32 clear, u32 propagation -> */
  LAUNCHER_UNMOUNT = 3,       /* target, u32 detach -> */
  LAUNCHER_CREATE_NETNS = 4,  /* path -> */
  LAUNCHER_DELETE_NETNS = 5,  /* path -> */
  LAUNCHER_NETLINK = 6,       /* netns or absent, u32 protocol, messages, namespace path or absent, u32 offset -> messages */
  LAUNCHER_NFT = 7,           /* netns or absent, commands, u32 json -> output */
  LAUNCHER_SPAWN = 8,         /* argv list, cwd or absent, listening socket's name in cwd or absent -> u32 pid */
  LAUNCHER_RUN = 9,           /* netns or absent, argv list, stdin, u32 timeout ms -> u32 wait status, stdout, stderr */
  LAUNCHER_KEEP = 10,         /* key, u32 descriptor of the engine -> */
  LAUNCHER_RELEASE = 11,      /* key -> */
  LAUNCHER_HOLD_PORT = 12,    /* key, u32 IPPROTO_*, address in text form, u32 port -> u32 port */
  LAUNCHER_HELD = 13,         /* -> list of (key, u32 descriptor that the engine inherited, 0 = it is a port) */
  LAUNCHER_WATCH = 14,        /* u32 pid, start time (digits) -> u32 known, u32 wait status; when it ends */
  LAUNCHER_READY = 15,        /* -> */
};

/* ------------------------------------------------------------------- monitor */

/*
 * A frame is a struct monitor_header and `length` bytes of payload. A monitor outlives many releases of the engine:
 * every engine speaks all versions since 1. A malformed frame ends its connection.
 *
 * The first frame gives a connection its role. SUBSCRIBE makes it an attach connection: it gets SUBSCRIBED and after
 * that nothing but bytes for the API's client, in the framing it asked for, then the end of the stream when the
 * process ended and all its output is out. Any other frame makes it a control connection, which also gets the events
 * STARTED, START_FAILED, EXITED and CLEANED; replies come in the order of the requests. The end of a control
 * connection after CLEANED means that the monitor is done; without it, that the monitor was killed.
 */
#define MONITOR_VERSION 1
#define MONITOR_MAX_PAYLOAD (64u << 10)

struct monitor_header {
  uint8_t version, type;
  uint16_t zero;
  uint32_t length;
};

enum monitor_request {
  MONITOR_QUERY = 1,     /* control: -> STATE */
  MONITOR_START = 2,     /* control: -> STARTED or START_FAILED, to all control connections */
  MONITOR_SIGNAL = 3,    /* control: u32 signal -> REPLY */
  MONITOR_RESIZE = 4,    /* u16 rows, u16 columns -> REPLY on a control connection, nothing on an attach connection */
  MONITOR_STDIN = 5,     /* attach: bytes */
  MONITOR_STDIN_EOF = 6, /* closes stdin after what is queued; a terminal stays open */
  MONITOR_SUBSCRIBE = 7, /* attach: u8 streams (MONITOR_STREAM_*), u8 framing -> SUBSCRIBED */
};

enum monitor_message {
  MONITOR_STATE = 65,        /* struct monitor_state */
  MONITOR_STARTED = 66,      /* struct monitor_state */
  MONITOR_START_FAILED = 67, /* i32 wait status or -errno, u32 n, n bytes of the runtime's log, the rest is its stderr */
  MONITOR_EXITED = 68,       /* struct monitor_state; the exit record is on disk */
  MONITOR_CLEANED = 69,      /* i32 wait status of `runtime delete` (0 also where there is nothing to delete) */
  MONITOR_REPLY = 70,        /* i32 errno */
  MONITOR_SUBSCRIBED = 71,   /* nothing */
};

enum monitor_stream { MONITOR_STREAM_STDIN = 1, MONITOR_STREAM_STDOUT = 2, MONITOR_STREAM_STDERR = 4 };
/* raw: bytes as they are; docker: { u8 stream, 3 zero bytes, u32 big-endian length } before each piece. */
enum monitor_framing { MONITOR_FRAMING_RAW = 0, MONITOR_FRAMING_DOCKER = 1 };
enum monitor_phase { MONITOR_WAITING = 0, MONITOR_STARTING = 1, MONITOR_RUNNING = 2, MONITOR_ENDED = 3 };

struct monitor_state {
  uint32_t phase;
  int32_t pid;
  uint64_t process_start; /* field 22 of /proc/PID/stat */
  int64_t started_at;     /* ns since 1970 */
  int64_t finished_at;    /* ns since 1970, 0 while it runs */
  int32_t code;           /* 128 + signal for a killed process */
  int32_t signal;
  uint32_t oom;
  int32_t log_errno;      /* why the log cannot be written at the moment, 0 = it can */
  uint64_t log_dropped;   /* lines that did not reach the log */
};

/* ---------------------------------------------------------------------- tree */

/*
 * What `wherry-tree unpack` reads: for each entry this struct, then name, link and attributes (u32 length of the key with
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
 * What `wherry-tree extract` reads: a tree of files as a sequence of entries, in the order in which they are made: a directory is entered, what it holds
 * follows, and when it is left it gets its attributes; the last entry leaves the root. Behind each struct extract_entry
 * come its name, its text, its segments, and its extended attributes, each a struct extract_xattr, its name, its value.
 * Names and texts have no NUL.
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
