/* What outlives an engine: copies of its descriptors (its listeners) and the published ports. Only the loop uses it. */
#include "launcher.h"

#include <sys/resource.h>

/* What is held leaves this many descriptors for the launcher's own work; numbers are given out from the lowest. */
#define SPARE_DESCRIPTORS 64

static char **keys; /* by the number of the descriptor that is held */
static int key_count;

/* The descriptor that is held under a key, -1 = none. */
static int find(const char *key) {
  int fd = key_count - 1;
  while (fd >= 0 && !(keys[fd] && !strcmp(keys[fd], key))) fd--;
  return fd;
}

/* Holds a copy of a descriptor under a new key; the next engine inherits it if it shall. */
long call_keep(struct request *request, const long *a) {
  const char *key = (const char *)a[0];
  struct rlimit limit;
  if (find(key) >= 0) return fail(EEXIST);
  int fd = fcntl((int)a[1], a[2] ? F_DUPFD : F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur <= (rlim_t)fd + SPARE_DESCRIPTORS) {
    close(fd);
    return fail(EMFILE);
  }
  if (fd >= key_count) keys = grow(keys, (size_t)(fd + 1) * sizeof *keys);
  while (key_count <= fd) keys[key_count++] = NULL;
  keys[fd] = strdup(key);
  return 0;
}

long call_release(struct request *request, const long *a) {
  int fd = find((const char *)a[0]);
  if (fd < 0) return 0;
  free(keys[fd]);
  keys[fd] = NULL;
  return close(fd);
}

/* The output: of each, its descriptor in an engine that inherits it, 0 = it does not, and its key with a NUL. */
long call_held(struct request *request, const long *a) {
  for (int fd = 0; fd < key_count; fd++) {
    if (!keys[fd]) continue;
    int number = fcntl(fd, F_GETFD) & FD_CLOEXEC ? 0 : fd;
    buffer_append(&request->reply, &number, sizeof number);
    buffer_append(&request->reply, keys[fd], strlen(keys[fd]) + 1);
  }
  return 0;
}
