/* wherry-monitor: started by the launcher with a listening unix socket as descriptor 3; see monitor.h. */
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "monitor.h"

#define LISTENER 3
/* Milliseconds. */
#define STARTER_TIMEOUT 15000
#define RETRY_INTERVAL 200
#define BURST_OVER 1000

struct options options = {.cleanup_timeout = 10, .log_max_files = 1};

/* Every option is `--name` or `--name=value`. */
static const struct {
  const char *name;
  enum { FLAG, TEXT, NUMBER, LIST } kind;
  void *place;
  size_t capacity; /* of a list, with the NULL at its end */
} table[] = {
    {"runtime", TEXT, &options.runtime, 0},
    {"runtime-root", TEXT, &options.runtime_root, 0},
    {"runtime-arg", LIST, options.runtime_arguments, 16},
    {"id", TEXT, &options.id, 0},
    {"bundle", TEXT, &options.bundle, 0},
    {"exec", TEXT, &options.exec_process, 0},
    {"dir", TEXT, &options.dir, 0},
    {"exit-file", TEXT, &options.exit_file, 0},
    {"oom-file", LIST, options.oom_files, 4},
    {"cleanup-timeout", NUMBER, &options.cleanup_timeout, 0},
    {"tty", FLAG, &options.terminal, 0},
    {"stdin", FLAG, &options.stdin_open, 0},
    {"stdin-once", FLAG, &options.stdin_once, 0},
    {"log", TEXT, &options.log_path, 0},
    {"log-attributes", TEXT, &options.log_attributes, 0},
    {"log-max-size", NUMBER, &options.log_max_size, 0},
    {"log-max-files", NUMBER, &options.log_max_files, 0},
    {"log-buffer", NUMBER, &options.log_buffer, 0},
};

static void refuse(const char *what, const char *object) {
  fprintf(stderr, "wherry-monitor: %s %s\n", what, object);
  exit(2);
}

static void set_option(size_t index, const char *value) {
  const char **list = table[index].place;
  size_t used = 0;
  switch (table[index].kind) {
    case FLAG:
      *(bool *)table[index].place = true;
      return;
    case TEXT:
      *(const char **)table[index].place = value;
      return;
    case NUMBER:
      *(uint64_t *)table[index].place = strtoull(value, NULL, 10);
      return;
    case LIST:
      while (list[used] != NULL) used++;
      if (used + 1 >= table[index].capacity) refuse("too many values for", table[index].name);
      list[used] = value;
  }
}

static void parse(char **arguments) {
  for (char **argument = arguments; *argument != NULL; argument++) {
    size_t length = strcspn(*argument, "="), i = 0, count = sizeof table / sizeof table[0];
    bool has_value = (*argument)[length] == '=';
    while (i < count && !(strncmp(*argument, "--", 2) == 0 && strlen(table[i].name) == length - 2 &&
                          strncmp(*argument + 2, table[i].name, length - 2) == 0))
      i++;
    if (i == count || has_value != (table[i].kind != FLAG)) refuse("does not understand", *argument);
    set_option(i, *argument + length + 1);
  }
  if (options.runtime == NULL || options.runtime_root == NULL || options.id == NULL || options.dir == NULL ||
      options.exit_file == NULL || (options.bundle == NULL) == (options.exec_process == NULL))
    refuse("needs", "--runtime, --runtime-root, --id, --dir, --exit-file, and --bundle or --exec");
}

static void signal_ready(struct source *source, uint32_t events) {
  struct signalfd_siginfo info;
  (void)events;
  while (read(source->fd, &info, sizeof info) > 0) continue;
  container_reap();
}

static struct source signals = {.fd = -1, .ready = signal_ready};

static void watch_children(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  source_watch(&signals, EPOLLIN);
}

/* Nobody is there who could send START, or everybody has all that there was. */
static bool is_over(int64_t waited) {
  static bool had_starter;
  if (container_phase() != MONITOR_WAITING) return container_gone() && clients_count() == 0;
  if (clients_controls() > 0) had_starter = true;
  else return had_starter || waited >= STARTER_TIMEOUT * 1000000LL;
  return false;
}

static void run(void) {
  int64_t begin = now(CLOCK_MONOTONIC), looked = begin;
  for (;;) {
    clients_reap();
    int64_t time = now(CLOCK_MONOTONIC);
    bool due = time - looked >= RETRY_INTERVAL * 1000000LL;
    if (due) looked = time;
    bool owes = container_retry(due), log_waits = log_retry(due), hung_up = stdio_retry_terminal(due);
    bool unfinished = owes || log_waits || hung_up;
    if (is_over(time - begin)) return;
    int timeout = container_phase() == MONITOR_WAITING ? STARTER_TIMEOUT : stdio_burst() ? BURST_OVER : -1;
    if (loop_turn(unfinished ? RETRY_INTERVAL : timeout) || unfinished || !stdio_burst()) continue;
    stdio_release();
    log_release();
  }
}

int main(int count, char **arguments) {
  if (count > 0) parse(arguments + 1);
  /* Big buffers go back to the kernel as soon as they are free. */
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  if (chdir(options.dir) != 0) refuse("cannot enter", options.dir);
  if (fcntl(LISTENER, F_SETFD, FD_CLOEXEC) != 0) refuse("needs", "a listening socket as descriptor 3");
  fcntl(LISTENER, F_SETFL, fcntl(LISTENER, F_GETFL) | O_NONBLOCK);
  loop_open();
  runtime_protect_self();
  watch_children();
  clients_listen(LISTENER);
  run();
  return 0;
}
