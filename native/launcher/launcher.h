/*
 * The launcher: does for the engine what must not happen inside a Node process, and keeps its listeners and ports.
 *
 *   main.c      the loop, the engine's life
 *   channel.c   requests and replies
 *   held.c      descriptors and ports that outlive an engine
 *   mounts.c  network.c  process.c   the operations
 */
#ifndef WHERRY_LAUNCHER_H
#define WHERRY_LAUNCHER_H

#include "../common.h"

/* ---- main.c */

_Noreturn void die(const char *what);
/* The process at the other end of the channel. */
pid_t engine_pid(void);

/* ---- channel.c */

struct field {
  uint32_t length, number;
  char *text;   /* or bytes; NULL = absent */
  char **texts; /* NULL-terminated */
};

struct request {
  const struct operation *operation;
  struct channel *channel;
  struct launcher_header header;
  struct field fields[6];
  char *payload;       /* what the fields point into */
  int fd;              /* what `begin` has opened for `work`; closed with the request */
  int32_t error;
  struct buffer reply; /* the frame's payload after the errno */
};

void reply_u32(struct request *request, uint32_t value);
void reply_bytes(struct request *request, const void *bytes, size_t length); /* with a length in front */
/* Turns the reply into an error; `%m` in its text is the error's description. */
__attribute__((format(printf, 3, 4))) void fail(struct request *request, int error, const char *format, ...);

void channel_open(int fd);
void channel_close(void);
/* What to poll for it: -1 when it is closed, or while too many requests are in work. */
int channel_fd(void);
/* Takes in what has come; false when the connection is over. */
bool channel_receive(void);
/* Whether a request is in work, of this engine or of one that is gone. */
bool channel_at_work(void);
/* Until `fd` can be read (true), the engine is gone, or `timeout` ms have passed (-1 = never). */
bool wait_or_lose(struct request *request, int fd, int timeout);
/* The same without a timeout; the request counts as no work meanwhile. */
bool wait_aside(struct request *request, int fd);

/* ---- held.c */

/* In the engine's process, before exec. */
void held_make_inheritable(void);

/* ---- process.c */

/* SIGCHLD: reaps spawned processes that have ended. */
void reap_children(void);

/*
 * ---- The operations. The loop calls `begin_...`, which must not block and may touch what the launcher holds; a thread
 * of the request calls `do_...`, which may block and enter another namespace, for it ends with the request.
 */
void begin_keep(struct request *request);
void begin_release(struct request *request);
void begin_hold_port(struct request *request);
void begin_held(struct request *request);
void begin_ready(struct request *request);
void begin_watch(struct request *request);
void do_watch(struct request *request);
void do_mount(struct request *request);
void do_bind(struct request *request);
void do_unmount(struct request *request);
void do_create_netns(struct request *request);
void do_delete_netns(struct request *request);
void do_netlink(struct request *request);
void do_nft(struct request *request);
void do_spawn(struct request *request);
void do_run(struct request *request);

/* network.c: takes this thread into a namespace for good; NULL stays. Fails the request and gives false if it cannot. */
bool enter_netns(struct request *request, const char *path);

#endif
