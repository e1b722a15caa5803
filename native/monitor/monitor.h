/*
 * wherry-monitor: owns the standard streams, the log and the exit status of one container (or of one exec in it), so
 * that containers outlive the engine. One thread around poll; each module keeps its own state behind these functions.
 *
 *   main.c      options, the loop, when to end
 *   engine.c    the connection with the engine and what it asks
 *   stdio.c     the container's stdin, stdout and stderr, or its terminal
 *   log.c       Docker's json-file log: encoding; log-file.c: writing, rotation, the writer thread
 *   container.c start, exit and its record, clean-up
 *
 * A module's ..._watch function says before each turn of the loop what the module waits for, by its present state.
 */
#ifndef WHERRY_MONITOR_H
#define WHERRY_MONITOR_H

#include "../common.h"

/* ---- main.c */

/* The value of the option `--name=value`, "" of a flag `--name`, NULL without it. */
const char *option(const char *name);
/* To be called by ..._watch, once for a descriptor: calls `ready` when poll has one of `events`, an error or hang-up. */
void watch(int fd, short events, void (*ready)(int fd, short events));

/* ---- engine.c */

void engine_watch(void);
bool engine_connected(void);
/* Sends an answer or an event; false when nobody gets it. */
bool engine_tell(enum monitor_message type, const void *payload, size_t length);
/* Sends STDOUT or STDERR, if it is wanted. */
void engine_output(enum monitor_message type, const char *bytes, size_t length);
/* Whether the container has to wait with more output. */
bool engine_behind(void);
/* Ends the connection when all is sent; no other one is taken. */
void engine_finish(void);

/* ---- stdio.c */

void stdio_watch(void);
/* Makes pipes, or the console socket; `fds` become the runtime's 0, 1 and 2 and are the caller's. False with errno. */
bool stdio_prepare(int fds[3]);
/* What the runtime printed to stderr; for a start that failed. */
size_t stdio_read_stderr(char *text, size_t size);
/* The runtime succeeded: from here on, output is the container's. */
void stdio_begin(void);
/* The process ended: takes what it left in the pipes, then closes everything. */
void stdio_drain(void);
/* A terminal that nobody had open: looks (if `due`) whether that has changed. True while it has not. */
bool stdio_hung_up(bool due);
int stdio_resize(unsigned short rows, unsigned short columns);
void stdin_write(const void *bytes, size_t length);
bool stdin_full(void);
/* Closes stdin after the bytes that are queued; a terminal stays open. */
void stdin_end(void);

/* ---- log.c */

/* Opens the log; false with errno. Without a log option all functions do nothing. */
bool log_open(void);
void log_write(unsigned stream, const char *bytes, size_t length);
/* Writes unfinished lines, waits for the file and closes it. */
void log_finish(void);
/* Tries again (if `due`) to write what a full disk refused; true while something waits. */
bool log_retry(bool due);
/* Gives memory back, of which a burst needed much. */
void log_release(void);

/* ---- log-file.c */

extern atomic_int log_errno;             /* of the last write, 0 = it went well */
extern atomic_uint_fast64_t log_dropped; /* lines that did not reach the file */

bool log_file_open(void);
/* Writes or, in non-blocking mode, queues lines; gives how many bytes were taken. */
size_t log_file_write(const char *lines, size_t length);
/* Writes `lines` and, in non-blocking mode, what is queued; what is refused is dropped. Closes the file. */
void log_file_finish(const char *lines, size_t length);
void log_file_drop(const char *lines, size_t length);

/* ---- container.c */

/* The command lines of the runtime, which use `pid` and `runtime.log` in the working directory; an exec has no `clean`. */
void container_setup(char **start, char **clean);
void container_start(void);
/* SIGCHLD: takes the exit statuses of runtime, container and clean-up. */
void container_reap(void);
/* Signals the process, or the runtime while it starts one. Gives an errno. */
int container_signal(int signal);
struct monitor_state container_state(void);
/* Tries again (if `due`) what could not be finished: exit record, clean-up. True while there is something. */
bool container_retry(bool due);
/* Nothing is left to do but to flush connections. */
bool container_gone(void);

#endif
