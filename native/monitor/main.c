/*
 * wherry-monitor OPTIONS... -- RUNTIME ARGUMENTS... [-- RUNTIME ARGUMENTS...]
 *
 * The command lines start the container or exec, and remove the container when it has ended. The launcher gives us a
 * listening unix socket as descriptor 3 and a folder of our own as working directory. See monitor.h.
 */
#include "monitor.h"

#define STARTER_TIMEOUT_MS 15000
#define RETRY_INTERVAL_MS 200
#define MS 1000000LL

static char **options;

static struct watched {
  void (*ready)(void *owner, short events);
  void *owner;
} *watched;
static struct pollfd *polled;
static size_t count, capacity;

const char *option(const char *name) {
  size_t length = strlen(name);
  for (char **at = options; *at; at++) {
    const char *end = *at + 2 + length;
    if (!strncmp(*at, "--", 2) && !strncmp(*at + 2, name, length) && (!*end || *end == '='))
      return *end ? end + 1 : end;
  }
  return NULL;
}

void watch(int fd, short events, void (*ready)(void *owner, short events), void *owner) {
  if (count == capacity) {
    capacity = capacity * 2 + 16;
    polled = grow(polled, capacity * sizeof *polled);
    watched = grow(watched, capacity * sizeof *watched);
  }
  polled[count] = (struct pollfd){.fd = fd, .events = events};
  watched[count++] = (struct watched){ready, owner};
}

/* Calls who has something to do, before the time-out. */
static void turn(int timeout) {
  int ready = poll(polled, count, timeout);
  for (size_t i = 0; i < count && ready > 0; i++)
    if (polled[i].revents) watched[i].ready(watched[i].owner, polled[i].revents);
}

static void on_signal(void *owner, short events) {
  struct signalfd_siginfo info;
  while (read(*(int *)owner, &info, sizeof info) > 0) continue;
  container_reap();
}

/* Nobody is there who could send START, or everybody has all that there was. */
static bool is_over(int64_t waited) {
  static bool had_starter;
  if (container_state().phase != MONITOR_WAITING) return container_gone() && clients_count(ANY) == 0;
  bool has_starter = clients_count(NEW | CONTROL) > 0;
  had_starter = had_starter || has_starter;
  return !has_starter && (had_starter || waited >= STARTER_TIMEOUT_MS * MS);
}

static void run(int signals) {
  int64_t begin = now(CLOCK_MONOTONIC), looked = begin;
  for (;;) {
    int64_t time = now(CLOCK_MONOTONIC);
    bool due = time - looked >= RETRY_INTERVAL_MS * MS;
    if (due) looked = time;
    bool unfinished = container_retry(due) | log_retry(due) | stdio_hung_up(due);
    count = 0;
    watch(signals, POLLIN, on_signal, &signals);
    clients_watch();
    stdio_watch();
    if (is_over(time - begin)) return;
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
