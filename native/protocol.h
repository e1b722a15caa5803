/*
 * The private protocols of wherry, in one place.
 *
 *   launcher section: engine <-> launcher, over the socketpair whose descriptor is in WHERRY_LAUNCHER_FD
 *   monitor section:  engine <-> monitor, over the unix socket that the monitor inherits as descriptor 3
 *
 * All integers are little-endian, as the machines are. The TypeScript side is src/linux/launcher-wire.ts and
 * src/runtime/monitor-wire.ts. What the tree program reads is in tree/protocol.h.
 */
#ifndef WHERRY_PROTOCOL_H
#define WHERRY_PROTOCOL_H

#include <stdint.h>

/* ------------------------------------------------------------------ launcher */

/*
 * A frame is a struct launcher_header and `length` bytes of payload.
 *
 * A request is a list of calls, which are made in order: struct launcher_call and its arguments, as launcher/calls.c has
 * them for each name. An argument begins with four bytes, which are
 *   n number      i32
 *   d descriptor  i32: the index of the call before that opened it; -1, also for one that failed = none
 *   w output      u32: so many bytes at most, which come with the result
 *   t text        u32 length, as many bytes, the last of which and no other is NUL
 *   o optional    the same; length 0 = absent
 *   b bytes       u32 length, as many bytes; a list of texts is bytes too: texts in a row
 * What a call opens is closed before the reply. A malformed request gets EBADMSG, and no call is
 * made. A frame that is too long or has a wrong version ends the connection.
 *
 * A reply is a struct launcher_reply, which begins with the header of its request, and for each call a struct
 * launcher_result and its output. Replies come in any order.
 */
#define LAUNCHER_VERSION 3
#define LAUNCHER_MAX_PAYLOAD (1u << 20)
/* What one output may be asked to hold. */
#define LAUNCHER_MAX_OUTPUT (64u << 10)

struct launcher_header {
  uint16_t version, zero;
  uint32_t id, length;
};

struct launcher_call {
  char name[16];   /* with NULs up to its end */
  uint8_t after;   /* 0: made while nothing has failed; n: only once something has, but not the n-th call of the list */
  uint8_t fine[2]; /* errnos that are no failure; 0 = none */
  uint8_t zero;
};

struct launcher_reply {
  struct launcher_header header;
  int32_t error;          /* of the first call that failed; 0 = none has */
  uint32_t failed;        /* its index; LAUNCHER_NO_CALL = the request or its reply as a whole, and no results follow */
  char name[16], text[64]; /* of the error */
};
#define LAUNCHER_NO_CALL UINT32_MAX

struct launcher_result {
  int32_t value; /* -errno of a call that failed, -ECANCELED of one that was not made */
  uint32_t length;
};

/* ------------------------------------------------------------------- monitor */

/*
 * A frame is a struct monitor_header and `length` bytes of payload. A monitor outlives releases of the engine: from the
 * first release on, every engine speaks all versions. A malformed frame ends the connection.
 *
 * There is one connection at a time; the next one waits until it has ended. Replies come in the order of their requests,
 * events when they happen: STARTED, START_FAILED, EXITED, CLEANED, and output, all of which comes before EXITED. The end
 * of the connection after CLEANED means that the monitor is done; without it, that the monitor was killed.
 */
#define MONITOR_VERSION 2
#define MONITOR_MAX_PAYLOAD (64u << 10)

struct monitor_header {
  uint8_t version, type;
  uint16_t zero;
  uint32_t length;
};

enum monitor_request {
  MONITOR_QUERY = 0,     /* -> STATE */
  MONITOR_START = 1,     /* for the first time: STARTED or START_FAILED will come */
  MONITOR_SIGNAL = 2,    /* u32 signal -> REPLY */
  MONITOR_RESIZE = 3,    /* u16 rows, u16 columns -> REPLY */
  MONITOR_STDIN = 4,     /* bytes -> TAKEN, when there is room for more; the next one comes after that */
  MONITOR_STDIN_EOF = 5, /* closes stdin after what is queued; a terminal stays open */
  MONITOR_OUTPUT = 6,    /* u32 MONITOR_OUTPUT_...: what happens to output from now on, beside being logged */
  MONITOR_WRITER = 7,    /* u32 1: there is a client that may write to stdin, 0: one has left; so does one with the engine */
};

enum monitor_message {
  MONITOR_STATE = 65,        /* struct monitor_state */
  MONITOR_STARTED = 66,      /* struct monitor_state */
  MONITOR_START_FAILED = 67, /* i32 wait status or -errno, u32 n, n bytes of the runtime's log, the rest is its stderr */
  MONITOR_EXITED = 68,       /* struct monitor_state; the exit record is on disk */
  MONITOR_CLEANED = 69,      /* i32 wait status of `runtime delete` (0 also where there is nothing to delete) */
  MONITOR_REPLY = 70,        /* i32 errno */
  MONITOR_TAKEN = 71,        /* nothing */
  MONITOR_STDOUT = 72,       /* bytes; also those of a terminal */
  MONITOR_STDERR = 73,       /* bytes */
};

/* Held: the process waits with its output, as somebody reads too slowly; what there was is still sent. */
enum monitor_output { MONITOR_OUTPUT_IGNORED = 0, MONITOR_OUTPUT_SENT = 1, MONITOR_OUTPUT_HELD = 2 };
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

/* What the exit file begins with: EXITED as it is sent. */
struct monitor_record {
  struct monitor_header header;
  struct monitor_state state;
};

#endif
