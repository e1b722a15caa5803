/*
 * wherry-launcher -- ENGINE ARGS...   starts the engine and serves it (what bin/wherryd does)
 * wherry-launcher --serve FD          serves whoever holds the other end of this socket, until it goes away
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

static int loop = -1, signals;

void die(const char *what) {
  fprintf(stderr, "wherry-launcher: %s: %m\n", what);
  exit(70);
}

void *grow(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (!memory) die("memory");
  return memory;
}

int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

void loop_add(int fd, struct source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  if (epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event)) die("epoll_ctl");
}

void loop_change(int fd, struct source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  if (epoll_ctl(loop, EPOLL_CTL_MOD, fd, &event)) die("epoll_ctl");
}

void loop_close(int fd) {
  epoll_ctl(loop, EPOLL_CTL_DEL, fd, NULL);
  close(fd);
}

/* sd_notify(3): one datagram to the socket named by NOTIFY_SOCKET; '@' stands for the abstract namespace. */
static char notify_path[sizeof((struct sockaddr_un *)0)->sun_path];

static void take_notify_socket(void) {
  const char *path = getenv("NOTIFY_SOCKET");
  if (path && strlen(path) < sizeof notify_path) strcpy(notify_path, path);
  unsetenv("NOTIFY_SOCKET");
}

void notify_service_manager(const char *state) {
  if (!notify_path[0]) return;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(notify_path);
  memcpy(address.sun_path, notify_path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
  if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
    fprintf(stderr, "wherry-launcher: telling %s: %m\n", notify_path);
  close(fd);
}

static void on_signal(struct source *source, uint32_t events) {
  (void)source, (void)events;
  struct signalfd_siginfo info;
  if (read(signals, &info, sizeof info) == sizeof info) engine_signal((int)info.ssi_signo);
}

static void take_signals(void) {
  static struct source source = {on_signal};
  static const int forwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
  sigset_t set;
  sigemptyset(&set);
  for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++) sigaddset(&set, forwarded[i]);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL); /* ignored, it would make children unwaitable */
  signals = signalfd(-1, &set, SFD_CLOEXEC);
  if (signals < 0) die("signalfd");
  loop_add(signals, &source, EPOLLIN);
}

/* Descriptors 0 to 3 are taken from here on, so that none of ours ever is one that a child must have. */
static void reserve_low_descriptors(void) {
  int fd = 0;
  while (fd <= 3) {
    if ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) die("/dev/null");
  }
  close(fd);
}

int main(int argc, char **argv) {
  bool serve = argc == 3 && !strcmp(argv[1], "--serve");
  if (!serve && (argc < 3 || strcmp(argv[1], "--"))) {
    fprintf(stderr, "usage: wherry-launcher -- ENGINE ARGS...\n       wherry-launcher --serve FD\n");
    return 64;
  }
  mallopt(M_ARENA_MAX, 1); /* threads are short; an arena for each would only cost memory */
  if (!serve) held_adopt_listeners();
  reserve_low_descriptors();
  take_notify_socket();
  loop = epoll_create1(EPOLL_CLOEXEC);
  if (loop < 0) die("epoll_create1");
  take_signals();
  if (serve) engine_serve(atoi(argv[2]));
  else engine_run(argv + 2);
  for (;;) {
    /* One event at a time: handling it may free the source of another. */
    struct epoll_event event;
    int count = epoll_wait(loop, &event, 1, engine_timeout_ms());
    if (count < 0 && errno != EINTR) die("epoll_wait");
    if (count == 1) ((struct source *)event.data.ptr)->handle(event.data.ptr, event.events);
    engine_restart_if_due();
  }
}
