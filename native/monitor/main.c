/*
 * wherry-monitor OPTIONS... -- RUNTIME ARGUMENTS... [-- RUNTIME ARGUMENTS...]
 *
 * The command lines start the container or exec, and remove the container when it has ended. The launcher gives us a
 * read-only mount of the runtime as descriptor 0, a listening unix socket as descriptor 3, and a folder of our own as
 * working directory. See monitor.h.
 */
#include "monitor.h"

#define STARTER_TIMEOUT_MS 15000
#define RETRY_INTERVAL_MS 200
#define MS 1000000LL

static char **options;

/* At most: signals, listener or engine, console, two outputs, input. */
static struct pollfd polled[6];
static void (*ready[6])(int fd, short events);
static size_t count;

const char *option(const char *name) {
  size_t length = strlen(name);
  for (char **at = options; *at; at++) {
    const char *end = *at + 2 + length;
    if (!strncmp(*at, "--", 2) && !strncmp(*at + 2, name, length) && (!*end || *end == '='))
      return *end ? end + 1 : end;
  }
  return NULL;
}

void watch(int fd, short events, void (*function)(int fd, short events)) {
  polled[count] = (struct pollfd){.fd = fd, .events = events};
  ready[count++] = function;
}

/* Calls who has something to do, before the time-out. */
static void turn(int timeout) {
  if (poll(polled, count, timeout) <= 0) return;
  for (size_t i = 0; i < count; i++)
    if (polled[i].revents) ready[i](polled[i].fd, polled[i].revents);
}

static void on_signal(int fd, short events) {
  struct signalfd_siginfo info;
  while (read(fd, &info, sizeof info) > 0) continue;
  container_reap();
}

/* Nobody is there who could send START, or the engine has all that there was. */
static bool is_over(bool waited) {
  static bool had_starter;
  had_starter = had_starter || engine_connected();
  return !engine_connected() && (container_state().phase == MONITOR_WAITING ? had_starter || waited : container_gone());
}

static void run(int signals) {
  int64_t begin = now(CLOCK_MONOTONIC), looked = begin;
  for (;;) {
    int64_t time = now(CLOCK_MONOTONIC);
    bool due = time - looked >= RETRY_INTERVAL_MS * MS;
    if (due) looked = time;
    bool unfinished = container_retry(due) | log_retry(due) | stdio_hung_up(due);
    count = 0;
    watch(signals, POLLIN, on_signal);
    engine_watch();
    stdio_watch();
    if (is_over(time - begin >= STARTER_TIMEOUT_MS * MS)) return;
    turn(unfinished ? RETRY_INTERVAL_MS : container_state().phase == MONITOR_WAITING ? STARTER_TIMEOUT_MS : -1);
  }
}

/* Cuts the list off at its first "--" and gives what comes after. */
static char **split(char **list) {
  while (*list && strcmp(*list, "--")) list++;
  if (!*list) return list;
  *list = NULL;
  return list + 1;
}

int main(int argc, char **argv) {
  options = argv + (argc > 0);
  char **start = split(options), **clean = split(start);
  bool told = *start && option("exit-file") && option("cleanup-timeout");
  if (!told || fcntl(3, F_SETFD, FD_CLOEXEC) || fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK)) {
    fprintf(stderr, "wherry-monitor: a listening socket as descriptor 3, an option or the command is missing\n");
    return 2;
  }
  mallopt(M_MMAP_THRESHOLD, 64 << 10); /* big buffers go back to the kernel as soon as they are free */
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  int signals = take_signals((int[]){SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, 0});
  container_setup(start, clean);
  run(signals);
  return 0;
}
