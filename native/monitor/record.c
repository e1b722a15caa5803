/* The exit record, and the kernel's count of processes that it killed for lack of memory. */
#include "monitor.h"

#include <inttypes.h>
#include <libgen.h>

/* Gives what `fsync` gives; -1 also when it cannot be opened. */
static int sync_folder(const char *path) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int result = fsync(fd);
  if (fd >= 0) close(fd);
  return result;
}

bool record_write(const struct monitor_state *state) {
  char text[256], temporary[PATH_MAX], folder[PATH_MAX];
  const char *path = option("exit-file");
  snprintf(temporary, sizeof temporary, "%s.tmp", path);
  snprintf(folder, sizeof folder, "%s", path);
  int length = snprintf(text, sizeof text,
                        "{\"version\":1,\"code\":%d,\"signal\":%d,\"oom\":%s,\"pid\":%d,\"startedAt\":\"%" PRId64
                        "\",\"finishedAt\":\"%" PRId64 "\"}\n",
                        state->code, state->signal, state->oom ? "true" : "false", state->pid, state->started_at,
                        state->finished_at);
  int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool written = write(fd, text, (size_t)length) == length && !fsync(fd);
  int error = errno;
  close(fd);
  errno = error;
  return written && !rename(temporary, path) && !sync_folder(dirname(folder));
}

/* The `oom_kill` line of memory.oom_control (cgroup v1) or memory.events (v2). */
bool record_oom(void) {
  char text[1024];
  const char *path = option("oom-file");
  const char *line = path && read_file(path, text, sizeof text) ? strstr(text, "oom_kill ") : NULL;
  return line && atoi(line + strlen("oom_kill ")) > 0;
}
