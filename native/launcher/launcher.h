/*
 * The launcher: does for the engine what must not happen inside a Node process, and keeps its listeners and ports.
 *
 *   main.c      the loop, the engine's life
 *   channel.c   requests and replies
 *   calls.c     which calls there are, and how those of a request are made
 *   held.c      descriptors and ports that outlive an engine
 *   programs.c  starting programs, and the end of processes
 */
#ifndef WHERRY_LAUNCHER_H
#define WHERRY_LAUNCHER_H

#include "../common.h"

struct call;

struct request {
  struct channel *channel;
  struct launcher_header header;
  char *payload;
  size_t left;        /* of the payload, to be read */
  struct call *calls; /* what the payload asks for, with pointers into it */
  size_t count, made;
  int32_t error;
  uint32_t failed;
  struct buffer reply; /* the frame; its struct launcher_reply is filled in at the end */
};

/* ---- channel.c */

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

/* ---- calls.c */

/* Takes the payload apart; false when it is malformed. */
bool read_calls(struct request *request);
/* Makes the calls that are left, or (`quick`) those before the first that may block or change the thread. */
void make_calls(struct request *request, bool quick);
/* Closes what the calls opened. */
void end_calls(struct request *request);
/* -1 and errno. */
long fail(int error);

/*
 * ---- Calls that are more than a system call. Like one they give a result, or -1 with errno; `a` has their arguments.
 */
typedef long call_function(struct request *request, const long *a);
call_function call_keep, call_release, call_held, call_ready, call_spawn, call_run, call_ended;

#endif
