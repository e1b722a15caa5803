/* What outlives an engine: copies of its descriptors (its listeners) and the published ports. Only the loop uses it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "launcher.h"

/* systemd passes its sockets from here on (sd_listen_fds(3)). */
#define FIRST_LISTENER 3
/* Kept descriptors have numbers from here on, so that descriptor 3 of the engine is free for its channel. */
#define FIRST_KEPT 10

/* What is held leaves this many descriptors for the launcher's own work. */
#define SPARE_DESCRIPTORS 64

union socket_name {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

struct held {
  struct held *next;
  int fd;
  bool port;
  char key[];
};

static struct held *held;

static struct held **find(const char *key) {
  struct held **at = &held;
  while (*at && strcmp((*at)->key, key)) at = &(*at)->next;
  return at;
}

static void hold(const char *key, int fd, bool port) {
  size_t size = strlen(key) + 1;
  struct held *entry = grow(NULL, sizeof *entry + size);
  *entry = (struct held){.fd = fd, .port = port};
  memcpy(entry->key, key, size);
  *find(key) = entry;
}

static void release(const char *key) {
  struct held **at = find(key), *entry = *at;
  if (!entry) return;
  *at = entry->next;
  close(entry->fd);
  free(entry);
}

void held_adopt_listeners(void) {
  const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
  if (pid && count && strtol(pid, NULL, 10) == getpid()) {
    long listeners = strtol(count, NULL, 10);
    for (int i = 0; i < listeners; i++) {
      char key[24];
      snprintf(key, sizeof key, "fd://%d", i);
      int fd = fcntl(FIRST_LISTENER + i, F_DUPFD_CLOEXEC, FIRST_KEPT);
      if (fd < 0) die("taking systemd's sockets");
      hold(key, fd, false);
    }
    for (int i = 0; i < listeners; i++) close(FIRST_LISTENER + i);
  }
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
}

/* "WHERRY_KEPT=key=fd;key=fd", keys percent-encoded. */
char *held_environment(void) {
  char *text;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  if (!stream) die("open_memstream");
  fputs("WHERRY_KEPT=", stream);
  const char *separator = "";
  for (struct held *entry = held; entry; entry = entry->next) {
    if (entry->port) continue;
    fputs(separator, stream);
    for (const char *at = entry->key; *at; at++) {
      if (strchr("%;=", *at) || *at <= ' ' || *at > '~') fprintf(stream, "%%%02X", (unsigned char)*at);
      else fputc(*at, stream);
    }
    fprintf(stream, "=%d", entry->fd);
    separator = ";";
  }
  if (fclose(stream)) die("open_memstream");
  return text;
}

void held_make_inheritable(void) {
  for (struct held *entry = held; entry; entry = entry->next)
    if (!entry->port) fcntl(entry->fd, F_SETFD, 0);
}

/* Closes a descriptor that would leave too few; -1 and EMFILE then. Numbers are given out from the lowest. */
static int spare_some(int fd) {
  struct rlimit limit;
  if (fd < 0 || getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > (rlim_t)fd + SPARE_DESCRIPTORS) return fd;
  close(fd);
  return errno = EMFILE, -1;
}

void handle_keep(struct request *request) {
  char *key = read_text(request);
  int number = (int)read_u32(request);
  if (request->malformed) return;
  int copy = pidfd_getfd(engine_pidfd(), number, 0);
  int fd = copy < 0 ? -1 : spare_some(fcntl(copy, F_DUPFD_CLOEXEC, FIRST_KEPT));
  if (fd < 0) fail(request, errno, "copying descriptor %d of the engine", number);
  if (copy >= 0) close(copy);
  if (fd < 0) return;
  release(key);
  hold(key, fd, false);
}

void handle_release(struct request *request) {
  char *key = read_text(request);
  if (!request->malformed) release(key);
}

/* The socket address of an address in text form; 0 when it is none. */
static socklen_t parse_address(const char *text, uint16_t port, union socket_name *name) {
  *name = (union socket_name){0};
  if (inet_pton(AF_INET, text, &name->v4.sin_addr) == 1) {
    name->v4.sin_family = AF_INET;
    name->v4.sin_port = htons(port);
    return sizeof name->v4;
  }
  if (inet_pton(AF_INET6, text, &name->v6.sin6_addr) != 1) return 0;
  name->v6.sin6_family = AF_INET6;
  name->v6.sin6_port = htons(port);
  return sizeof name->v6;
}

/* A bound socket that does not listen, without SO_REUSEADDR: nobody else gets the port, and clients get a reset. */
static int bind_port(uint32_t protocol, union socket_name *name, socklen_t size) {
  static const int on = 1, no_space = 0;
  int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
  int fd = socket(name->any.sa_family, type | SOCK_CLOEXEC, (int)protocol);
  if (fd < 0) return -1;
  if (name->any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &no_space, sizeof no_space);
  if (!bind(fd, &name->any, size) && !getsockname(fd, &name->any, &size)) return fd;
  int error = errno;
  close(fd);
  return errno = error, -1;
}

void handle_hold_port(struct request *request) {
  char *key = read_text(request);
  uint32_t protocol = read_u32(request);
  char *address = read_text(request);
  uint32_t port = read_u32(request);
  if (port > UINT16_MAX) request->malformed = true;
  if (request->malformed) return;
  union socket_name name;
  socklen_t size = parse_address(address, (uint16_t)port, &name);
  if (!size) return fail(request, EINVAL, "the address %s", address);
  if (*find(key)) return fail(request, EEXIST, "the key %s", key);
  int fd = spare_some(bind_port(protocol, &name, size));
  if (fd < 0) return fail(request, errno, "bind");
  hold(key, fd, true);
  reply_u32(request, ntohs(name.any.sa_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port));
}

void handle_held_ports(struct request *request) {
  uint32_t count = 0;
  for (struct held *entry = held; entry; entry = entry->next) count += entry->port;
  reply_u32(request, count);
  for (struct held *entry = held; entry; entry = entry->next)
    if (entry->port) reply_bytes(request, entry->key, strlen(entry->key));
}
