/*
 * The launcher: does for the engine what must not happen inside a Node process, and keeps its listeners and ports.
 *
 * One thread runs the event loop (main.c) and owns all state; each request that can block gets a thread of its own,
 * which may enter another network namespace because it never comes back from it.
 */
#ifndef WHERRY_LAUNCHER_H
#define WHERRY_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../protocol.h"

/* ---- main.c: the event loop. Every descriptor in it belongs to a source, usually the first member of its owner. */
struct source {
  void (*handle)(struct source *source, uint32_t events);
};
void loop_add(int fd, struct source *source, uint32_t events);
void loop_change(int fd, struct source *source, uint32_t events);
/* Closing alone would leave a descriptor in the loop while a child that is being started still has a copy of it. */
void loop_close(int fd);
int64_t now_ms(void);
void notify_service_manager(const char *state);
_Noreturn void die(const char *what);
/* `realloc` that ends the launcher instead of failing: without memory it can keep no promise. */
void *grow(void *memory, size_t size);

/* ---- wire.c: the fields of requests and replies. */
struct request {
  struct request *next;
  uint32_t generation; /* of the channel it came from */
  uint32_t id;
  uint16_t op;
  bool malformed; /* a field could not be read; the readers give zeros and empty strings from then on */
  uint8_t *payload, *at, *end;
  uint8_t *reply; /* the whole frame */
  size_t reply_length, reply_capacity, sent;
};
/* A string or list that has been read points into the request's payload or is freed with it. */
uint32_t read_u32(struct request *request);
uint8_t *read_bytes(struct request *request, size_t *length); /* NULL when absent; a NUL follows the last byte */
char *read_text(struct request *request);                     /* must be there */
char *read_optional_text(struct request *request);
char **read_texts(struct request *request); /* NULL-terminated; free() it */
void reply_u32(struct request *request, uint32_t value);
void reply_bytes(struct request *request, const void *bytes, size_t length); /* with a length in front */
void reply_raw(struct request *request, const void *bytes, size_t length);
void reply_start(struct request *request, int error);
void reply_error(struct request *request, int error); /* its text is to follow */
/* Replaces what the reply holds by an error: "text: strerror(error)". */
__attribute__((format(printf, 3, 4))) void fail(struct request *request, int error, const char *format, ...);
/* Puts version, op, id and length into the frame. */
void reply_seal(struct request *request);
void request_free(struct request *request);

/* ---- channel.c: the connection with the engine. */
void channel_init(void (*lost)(void));
void channel_open(int fd);
void channel_close(void);
/* Queues the reply and frees the request; from any thread. */
void request_finish(struct request *request);
/* A parked request waits for an event; it counts as no work in progress until it is resumed. */
void request_park(void);
void request_resume(struct request *request);

/* ---- engine.c: the engine's life. */
void engine_run(char **argv);
void engine_serve(int fd);
void engine_signal(int number);
void engine_restart_if_due(void);
int engine_timeout_ms(void);
int engine_pidfd(void);

/* ---- held.c: descriptors and ports that outlive an engine. */
void held_adopt_listeners(void);
char *held_environment(void);        /* "WHERRY_KEPT=..." ; free() it */
void held_make_inheritable(void);    /* in the engine's process, before exec */

/* ---- process.c */
struct launch {
  char **argv, **env;
  const char *cwd;
  int stdio[3]; /* -1: /dev/null */
  int passed;   /* becomes descriptor 3; -1: none */
};
/* Starts a process in a session of its own with no other descriptor. Gives an errno. */
int launch_process(const struct launch *launch, pid_t *pid);

/* ---- netns.c */
/* Takes this thread into a namespace for good; NULL stays. Fails the request and gives false if it cannot. */
bool enter_netns(struct request *request, const char *path);

/* ---- watch.c */
/* Reaps a child of ours when it ends; false and errno when it cannot. */
bool watch_child(pid_t pid);
void watch_forget_all(void);

/* ---- The operations: read the request's fields, do it, fill in the reply. `handle_watch` finishes it itself. */
void handle_mount(struct request *request);
void handle_bind(struct request *request);
void handle_unmount(struct request *request);
void handle_create_netns(struct request *request);
void handle_delete_netns(struct request *request);
void handle_netlink(struct request *request);
void handle_nft(struct request *request);
void handle_spawn(struct request *request);
void handle_run(struct request *request);
void handle_keep(struct request *request);
void handle_release(struct request *request);
void handle_hold_port(struct request *request);
void handle_held_ports(struct request *request);
void handle_watch(struct request *request);
void handle_unwatch(struct request *request);
void handle_ready(struct request *request);

#endif
