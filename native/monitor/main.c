/* wherry-monitor: started by the launcher with a listening unix socket as descriptor 3; see monitor.h. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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

enum {
  RUNTIME = 1, RUNTIME_ROOT, RUNTIME_ARGUMENT, ID, BUNDLE, DIR, EXIT_FILE, EXEC, OOM_FILE, TERMINAL, STDIN_OPEN,
  STDIN_ONCE, CLEANUP_TIMEOUT, LOG, LOG_ATTRIBUTES, LOG_MAX_SIZE, LOG_MAX_FILES, LOG_MODE, LOG_BUFFER,
};

static const struct option names[] = {
    {"runtime", 1, NULL, RUNTIME},
    {"runtime-root", 1, NULL, RUNTIME_ROOT},
    {"runtime-arg", 1, NULL, RUNTIME_ARGUMENT},
    {"id", 1, NULL, ID},
    {"bundle", 1, NULL, BUNDLE},
    {"dir", 1, NULL, DIR},
    {"exit-file", 1, NULL, EXIT_FILE},
    {"exec", 1, NULL, EXEC},
    {"oom-file", 1, NULL, OOM_FILE},
    {"tty", 0, NULL, TERMINAL},
    {"stdin", 0, NULL, STDIN_OPEN},
    {"stdin-once", 0, NULL, STDIN_ONCE},
    {"cleanup-timeout", 1, NULL, CLEANUP_TIMEOUT},
    {"log", 1, NULL, LOG},
    {"log-attributes", 1, NULL, LOG_ATTRIBUTES},
    {"log-max-size", 1, NULL, LOG_MAX_SIZE},
    {"log-max-files", 1, NULL, LOG_MAX_FILES},
    {"log-buffer", 1, NULL, LOG_BUFFER},
    {0},
};

static void refuse(const char *what) {
  fprintf(stderr, "wherry-monitor: %s\n", what);
  exit(2);
}

static void add(const char **list, size_t size, const char *value) {
  size_t used = 0;
  while (list[used] != NULL) used++;
  if (used + 1 >= size) refuse("too many values for one option");
  list[used] = value;
}

static void set_option(int option, const char *value) {
  switch (option) {
    case RUNTIME: options.runtime = value; return;
    case RUNTIME_ROOT: options.runtime_root = value; return;
    case RUNTIME_ARGUMENT: add(options.runtime_arguments, 16, value); return;
    case ID: options.id = value; return;
    case BUNDLE: options.bundle = value; return;
    case DIR: options.dir = value; return;
    case EXIT_FILE: options.exit_file = value; return;
    case EXEC: options.exec_process = value; return;
    case OOM_FILE: add(options.oom_files, 4, value); return;
    case TERMINAL: options.terminal = true; return;
    case STDIN_OPEN: options.stdin_open = true; return;
    case STDIN_ONCE: options.stdin_once = true; return;
    case CLEANUP_TIMEOUT: options.cleanup_timeout = atoi(value); return;
    case LOG: options.log_path = value; return;
    case LOG_ATTRIBUTES: options.log_attributes = value; return;
    case LOG_MAX_SIZE: options.log_max_size = strtoull(value, NULL, 10); return;
    case LOG_MAX_FILES: options.log_max_files = (unsigned)strtoul(value, NULL, 10); return;
    case LOG_BUFFER: options.log_buffer = strtoull(value, NULL, 10); return;
    default: exit(2);
  }
}

static void parse(int count, char **arguments) {
  for (int option; (option = getopt_long(count, arguments, "", names, NULL)) != -1;) set_option(option, optarg);
  if (optind != count) refuse("unexpected argument");
  if (options.runtime == NULL || options.runtime_root == NULL || options.id == NULL || options.dir == NULL ||
      options.exit_file == NULL || (options.bundle == NULL && options.exec_process == NULL))
    refuse("needs --runtime, --runtime-root, --id, --dir, --exit-file, and --bundle or --exec");
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
    if (is_over(time - begin)) return;
    bool due = time - looked >= RETRY_INTERVAL * 1000000LL;
    if (due) looked = time;
    bool unfinished = container_retry(due) | log_retry(due) | stdio_retry_terminal(due);
    int timeout = container_phase() == MONITOR_WAITING ? STARTER_TIMEOUT : stdio_burst() ? BURST_OVER : -1;
    if (loop_turn(unfinished ? RETRY_INTERVAL : timeout) || unfinished || !stdio_burst()) continue;
    stdio_release();
    log_release();
  }
}

int main(int count, char **arguments) {
  parse(count, arguments);
  /* Big buffers go back to the kernel as soon as they are free. */
  mallopt(M_MMAP_THRESHOLD, 64 << 10);
  if (chdir(options.dir) != 0) refuse("cannot enter --dir");
  if (fcntl(LISTENER, F_SETFD, FD_CLOEXEC) != 0) refuse("needs a listening socket as descriptor 3");
  fcntl(LISTENER, F_SETFL, fcntl(LISTENER, F_GETFL) | O_NONBLOCK);
  loop_open();
  runtime_protect_self();
  watch_children();
  clients_listen(LISTENER);
  run();
  return 0;
}
