/* What outlives an engine: copies of its descriptors (its listeners) and the published ports. Only the loop uses it. */
#include "launcher.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

/* What is held leaves this many descriptors for the launcher's own work. */
#define SPARE_DESCRIPTORS 64

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
  *entry = (struct held){.next = held, .fd = fd, .port = port};
  memcpy(entry->key, key, size);
  held = entry;
}

static void release(const char *key) {
  struct held **at = find(key), *entry = *at;
  if (!entry) return;
  *at = entry->next;
  close(entry->fd);
  free(entry);
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

void begin_keep(struct request *request) {
  const char *key = request->fields[0].text;
  int number = (int)request->fields[1].number;
  int process = pidfd_open(engine_pid(), 0);
  int fd = spare_some(pidfd_getfd(process, number, 0));
  if (fd < 0) fail(request, errno, "copying descriptor %d of the engine: %m", number);
  if (process >= 0) close(process);
  if (fd < 0) return;
  release(key);
  hold(key, fd, false);
}

void begin_release(struct request *request) {
  release(request->fields[0].text);
}

union socket_name {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
};

/* The socket address of an address in text form; 0 when it is none. */
static socklen_t parse_address(const char *text, uint32_t port, union socket_name *name) {
  *name = (union socket_name){0};
  name->v4.sin_port = htons((uint16_t)port); /* is at the same place for both */
  name->any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET;
  void *address = strchr(text, ':') ? (void *)&name->v6.sin6_addr : (void *)&name->v4.sin_addr;
  if (port > UINT16_MAX || inet_pton(name->any.sa_family, text, address) != 1) return 0;
  return name->any.sa_family == AF_INET6 ? sizeof name->v6 : sizeof name->v4;
}

/* A bound socket that does not listen, without SO_REUSEADDR: nobody else gets the port, and clients get a reset. */
static int bind_port(uint32_t protocol, union socket_name *name, socklen_t size) {
  static const int on = 1, no_space = 0;
  int type = protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
  int fd = socket(name->any.sa_family, type | SOCK_CLOEXEC, (int)protocol);
  if (fd < 0) return -1;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &no_space, sizeof no_space);
  if (!bind(fd, &name->any, size) && !getsockname(fd, &name->any, &size)) return fd;
  int error = errno;
  close(fd);
  return errno = error, -1;
}

void begin_hold_port(struct request *request) {
  const char *key = request->fields[0].text, *address = request->fields[2].text;
  union socket_name name;
  socklen_t size = parse_address(address, request->fields[3].number, &name);
  if (!size) return fail(request, EINVAL, "the address %s: %m", address);
  if (*find(key)) return fail(request, EEXIST, "the key %s: %m", key);
  int fd = spare_some(bind_port(request->fields[1].number, &name, size));
  if (fd < 0) return fail(request, errno, "bind: %m");
  hold(key, fd, true);
  reply_u32(request, ntohs(name.v4.sin_port));
}

void begin_held(struct request *request) {
  uint32_t count = 0;
  for (struct held *entry = held; entry; entry = entry->next) count++;
  reply_u32(request, count);
  for (struct held *entry = held; entry; entry = entry->next) {
    reply_bytes(request, entry->key, strlen(entry->key));
    reply_u32(request, entry->port ? 0 : (uint32_t)entry->fd);
  }
}
