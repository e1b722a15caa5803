/* What both programs need: the C library's and the kernel's headers, byte queues, files of /proc, starting programs. */
#ifndef WHERRY_COMMON_H
#define WHERRY_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "protocol.h"

/* Nanoseconds of CLOCK_REALTIME or CLOCK_MONOTONIC. */
int64_t now(clockid_t clock);

/* `realloc` that ends the program instead of failing: without memory it can keep no promise. */
void *grow(void *memory, size_t size);

/* Bytes that wait for somebody, from `bytes + start` on; grows at need and frees itself when empty. */
struct buffer {
  char *bytes;
  size_t start, length, capacity;
};
/* Where as many more bytes can be put. */
char *buffer_room(struct buffer *buffer, size_t length);
void buffer_append(struct buffer *buffer, const void *bytes, size_t length);
/* Appends what has come on a socket, up to 16 KiB: how much, 0 = it has ended, -1 = errno. */
ssize_t buffer_receive(struct buffer *buffer, int fd);
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_clear(struct buffer *buffer);

/* A file's text, or the last `size - 1` bytes of it, with a NUL after it; gives its length, 0 when it cannot be read. */
size_t read_file(const char *path, char *text, size_t size);
/* A number of /proc/PID/stat (proc(5): 22 is the start time, 52 the wait status of a zombie); -1 without that process. */
int64_t process_stat(pid_t pid, int field);

/* A non-blocking signalfd for `signals`, a list that ends with 0; they are blocked, and SIGPIPE is ignored. */
int take_signals(const int *signals);

/*
 * Starts a program (looked up in PATH) in a session of its own, with the caller's working directory, an environment of
 * ours, no signal blocked or ignored, and no descriptors but 0 to 3: copies of `fds`, where -1 stands for
 * /dev/null and, as the last one, for none. Gives an errno.
 */
int launch(const char *program, char **argv, const int fds[4], pid_t *pid);

#endif
