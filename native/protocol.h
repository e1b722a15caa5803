/*
 * The two private protocols of wherry, in one place.
 *
 *   launcher section: engine <-> launcher, over the socketpair that the engine inherits as descriptor 3
 *   monitor section:  engine <-> monitor, over the unix socket that the monitor inherits as descriptor 3
 *
 * All integers are little-endian. The TypeScript side is src/linux/launcher-wire.ts and src/runtime/monitor-wire.ts.
 */
#ifndef WHERRY_PROTOCOL_H
#define WHERRY_PROTOCOL_H

#include <stdint.h>

/* ------------------------------------------------------------------ launcher */

/*
 * A frame is { u16 version, u16 op, u32 request id, u32 length } and `length` bytes of payload.
 * A reply has the version, op and id of its request; its payload starts with an i32 errno: 0 and the result, or an
 * error and its text (the rest of the frame, UTF-8). Replies come in any order.
 * Fields: u32; string = u32 length + bytes; an absent string has the length LAUNCHER_ABSENT; list = u32 count + items.
 * A frame that is too long or has a wrong version ends the connection; bad fields get EBADMSG, an unknown op ENOSYS.
 */
#define LAUNCHER_VERSION 1
#define LAUNCHER_HEADER_SIZE 12
#define LAUNCHER_MAX_PAYLOAD (1u << 20)
#define LAUNCHER_ABSENT 0xffffffffu
/* `run` gives at most this much of each output stream. */
#define LAUNCHER_RUN_OUTPUT (64u << 10)

enum launcher_op {
  LAUNCHER_MOUNT = 1,         /* fstype, target, u32 attributes, list of (key, value or absent) -> */
  LAUNCHER_BIND = 2,          /* source, target, u32 recursive, u32 set, u32 clear, u32 propagation -> */
  LAUNCHER_UNMOUNT = 3,       /* target, u32 detach -> */
  LAUNCHER_CREATE_NETNS = 4,  /* path -> */
  LAUNCHER_DELETE_NETNS = 5,  /* path -> */
  LAUNCHER_NETLINK = 6,       /* netns or absent, u32 protocol, messages, namespace path or absent, u32 offset -> messages */
  LAUNCHER_NFT = 7,           /* netns or absent, commands, u32 json -> output */
  LAUNCHER_SPAWN = 8,         /* argv list, u32 has env, env list, cwd or absent, listen socket or absent -> u32 pid */
  LAUNCHER_RUN = 9,           /* netns or absent, argv list, u32 has env, env list, cwd or absent, stdin, u32 timeout ms
                                 -> u32 signaled, u32 code or signal, stdout, stderr */
  LAUNCHER_KEEP = 10,         /* key, u32 descriptor of the engine -> */
  LAUNCHER_RELEASE = 11,      /* key -> */
  LAUNCHER_HOLD_PORT = 12,    /* key, u32 IPPROTO_*, address (4 or 16 bytes), u32 port -> u32 port */
  LAUNCHER_HELD_PORTS = 13,   /* -> list of keys */
  LAUNCHER_WATCH = 14,        /* u32 pid, start time (digits) -> u32 known, u32 wait status; when it ends */
  LAUNCHER_UNWATCH = 15,      /* u32 request id of the watch, which gets ECANCELED -> */
  LAUNCHER_READY = 16,        /* -> */
};

/* ------------------------------------------------------------------- monitor */

#endif
