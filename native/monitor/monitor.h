/*
 * wherry-monitor: owns the standard streams, the log and the exit status of one container (or of one exec in it), so
 * that containers outlive the engine. One thread around epoll; each module keeps its own state behind these functions.
 *
 *   main.c      options, the loop, when to end
 *   loop.c      epoll sources, clocks, growing buffers
 *   clients.c   the connections of the engine; requests.c: what they ask
 *   stdio.c     the container's stdin, stdout and stderr, or its terminal
 *   console.c   receives the terminal from the runtime
 *   log.c       Docker's json-file log: encoding; log-file.c: writing, rotation, the writer thread
 *   runtime.c   the OCI runtime's command lines and its process
 *   container.c start, exit, clean-up; record.c: the exit record and the OOM counter
 */
#ifndef WHERRY_MONITOR_H
#define WHERRY_MONITOR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../protocol.h"

struct options {
  const char *runtime, *runtime_root, *id, *bundle, *dir, *exit_file;
  const char *exec_process;          /* path of the process document; absent = the container itself */
  const char *runtime_arguments[16]; /* global options of the runtime, as given; the last one is NULL */
  const char *oom_files[4];          /* cgroup files with an `oom_kill N` line; the last one is NULL */
  bool terminal, stdin_open, stdin_once;
  uint64_t cleanup_timeout;          /* seconds that `delete` may take */
  const char *log_path;              /* absent = no log */
  const char *log_attributes;        /* a JSON object for each line's `attrs` */
  uint64_t log_max_size;             /* bytes; 0 = unlimited */
  uint64_t log_max_files;
  uint64_t log_buffer;               /* bytes between container and file; 0 = blocking mode */
};
extern struct options options;

/* ---- loop.c */

/* Something epoll watches. `events` is what it is registered for, 0 = not at all; fd -1 = closed. */
struct source {
  int fd;
  uint32_t events;
  void (*ready)(struct source *source, uint32_t events);
};

void loop_open(void);
/* Runs the handlers of one epoll_wait; false when the time-out (ms, -1 = none) passed first. */
bool loop_turn(int timeout);
/* Changes what a source is registered for. EPOLLHUP alone keeps it registered for the peer's leaving only. */
void source_watch(struct source *source, uint32_t events);
void source_close(struct source *source);
/* Nanoseconds of CLOCK_REALTIME or CLOCK_MONOTONIC. */
int64_t now(clockid_t clock);

/* Bytes that wait for a descriptor; grows at need and frees itself when empty. */
struct buffer {
  char *bytes;
  size_t start, length, capacity;
};
/* False when there is no memory; nothing is appended then. */
bool buffer_append(struct buffer *buffer, const void *bytes, size_t length);
void buffer_consume(struct buffer *buffer, size_t length);
void buffer_clear(struct buffer *buffer);

/* ---- clients.c */

void clients_listen(int fd);
/* Output for every subscriber of `stream` (1 = stdout, 2 = stderr). */
void clients_output(unsigned stream, const void *bytes, size_t length);
/* An event for every control connection; gives how many got it. */
unsigned clients_tell(enum monitor_message type, const void *payload, size_t length);
unsigned clients_controls(void);
unsigned clients_count(void);
/* Looks again at the connections that were not read because stdin's queue was full. */
void clients_resume_input(void);
/* Ends attach connections once all their bytes are out. */
void clients_finish_attach(void);
/* Stops listening and ends control connections too. */
void clients_finish(void);
/* Frees the connections that ended; to be called between turns of the loop. */
void clients_reap(void);

/* ---- stdio.c */

/* The runtime's descriptors 0, 1 and 2. */
struct child_stdio {
  int fds[3];
};
/* Makes pipes, or the console socket; false with errno. */
bool stdio_prepare(struct child_stdio *child);
void stdio_close_child_side(struct child_stdio *child);
/* What the runtime printed to stderr; for a start that failed. */
size_t stdio_read_stderr(char *text, size_t size);
/* The runtime succeeded: from here on, output is the container's. */
void stdio_begin(void);
/* A subscriber is over its bound: stop reading output, or go on. */
void stdio_pause(bool pause);
/* The process ended: takes what it left in the pipes, then closes everything. */
void stdio_drain(void);
/* Looks (if `due`) whether a terminal that nobody had open is open again. True while it is not. */
bool stdio_retry_terminal(bool due);
/* Gives the pages of the read buffer back after a burst; true if there is something to give. */
bool stdio_burst(void);
void stdio_release(void);
/* A console arrived from the runtime. */
void stdio_set_terminal(int fd);
int stdio_resize(unsigned short rows, unsigned short columns);
void stdin_write(const void *bytes, size_t length);
bool stdin_full(void);
/* Closes stdin after the bytes that are queued; a terminal stays open. */
void stdin_end(void);

/* ---- console.c */

/* Listens on `console.sock` in the working directory; false with errno. */
bool console_listen(void);
void console_close(void);
/* The socket's path for the runtime: short, absolute and valid from any working directory. */
const char *console_path(void);

/* ---- log.c */

/* Opens the log; false with errno. Without a log path all functions do nothing. */
bool log_open(void);
void log_write(unsigned stream, const char *bytes, size_t length);
/* Writes unfinished lines, waits for the file and closes it. */
void log_finish(void);
/* Tries again (if `due`) to write what a full disk refused; true while something waits. */
bool log_retry(bool due);
void log_release(void);

/* ---- log-file.c */

bool log_file_open(void);
/* Writes whole lines, rotating where needed; gives how many bytes were taken (all in non-blocking mode). */
size_t log_file_write(const char *lines, size_t length);
/* Closes the file; in non-blocking mode, after everything queued is written or refused. */
void log_file_finish(void);
/* Counts lines that do not reach the file. */
void log_file_drop(uint64_t lines);
/* errno of the last failed write, 0 after a good one. */
int log_file_error(void);
uint64_t log_file_dropped(void);

/* ---- runtime.c */

/* Remembers what children must get back: signal mask, OOM score, descriptor limit. */
void runtime_protect_self(void);
/* Both give the pid of the runtime's process, or -1 with errno. */
pid_t runtime_run(const struct child_stdio *child);
pid_t runtime_delete(void);
/* In the working directory, `--dir`. */
#define RUNTIME_PID_FILE "pid"
#define RUNTIME_LOG_FILE "runtime.log"

/* ---- container.c */

void container_start(void);
/* SIGCHLD: takes the exit statuses of runtime, container and clean-up. */
void container_reap(void);
/* Signals the process, or the runtime while it starts one. */
int container_signal(int signal);
struct monitor_state container_state(void);
enum monitor_phase container_phase(void);
/* Tries again (if `due`) what could not be finished: exit record, clean-up. True while there is something. */
bool container_retry(bool due);
/* Nothing is left to do but to flush connections. */
bool container_gone(void);

/* ---- record.c */

/* Writes the exit record durably; false with errno. */
bool record_write(const struct monitor_state *state);
/* Whether a process of the container's cgroup was killed for lack of memory. */
bool record_oom(void);

#endif
