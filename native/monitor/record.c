/* The exit record, and the kernel's count of processes that it killed for lack of memory. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor.h"

static bool write_durably(const char *path, const char *text, size_t length) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool done = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
  int error = errno;
  close(fd);
  errno = error;
  return done;
}

static bool sync_directory_of(const char *path) {
  char copy[PATH_MAX];
  snprintf(copy, sizeof copy, "%s", path);
  int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool done = fsync(fd) == 0;
  close(fd);
  return done;
}

bool record_write(const struct monitor_state *state) {
  char text[256], temporary[PATH_MAX];
  int length = snprintf(text, sizeof text,
                        "{\"version\":1,\"code\":%d,\"signal\":%d,\"oom\":%s,\"pid\":%d,\"startedAt\":\"%" PRId64
                        "\",\"finishedAt\":\"%" PRId64 "\"}\n",
                        state->code, state->signal, state->oom ? "true" : "false", state->pid, state->started_at,
                        state->finished_at);
  snprintf(temporary, sizeof temporary, "%s.tmp", options.exit_file);
  return write_durably(temporary, text, (size_t)length) && rename(temporary, options.exit_file) == 0 &&
         sync_directory_of(options.exit_file);
}

/* The number of the `oom_kill` line of memory.oom_control (cgroup v1) or memory.events (v2). */
static unsigned long read_oom_kills(const char *path) {
  char text[1024];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return 0;
  text[length] = '\0';
  const char *line = strstr(text, "oom_kill ");
  return line == NULL ? 0 : strtoul(line + strlen("oom_kill "), NULL, 10);
}

bool record_oom(void) {
  for (const char **path = options.oom_files; *path != NULL; path++)
    if (read_oom_kills(*path) > 0) return true;
  return false;
}
