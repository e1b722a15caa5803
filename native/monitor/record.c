/* The exit record, and the kernel's count of processes that it killed for lack of memory. */
#include "monitor.h"

#include <inttypes.h>

bool record_write(const struct monitor_state *state) {
  char text[256];
  memset(text, ' ', sizeof text);
  int length = snprintf(text, sizeof text,
                        "{\"version\":1,\"code\":%d,\"signal\":%d,\"oom\":%s,\"pid\":%d,\"startedAt\":\"%" PRId64
                        "\",\"finishedAt\":\"%" PRId64 "\"}\n",
                        state->code, state->signal, state->oom ? "true" : "false", state->pid, state->started_at,
                        state->finished_at);
  text[length] = ' '; /* up to the end there are blanks: nothing stays of what was there */
  int fd = open(option("exit-file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool written = pwrite(fd, text, sizeof text, 0) == sizeof text && (!option("exit-sync") || !fdatasync(fd));
  int error = errno;
  close(fd);
  errno = error;
  return written;
}

/* The `oom_kill` line of memory.oom_control (cgroup v1) or memory.events (v2). */
bool record_oom(void) {
  char text[1024];
  const char *path = option("oom-file");
  const char *line = path && read_file(path, text, sizeof text) ? strstr(text, "oom_kill ") : NULL;
  return line && atoi(line + strlen("oom_kill ")) > 0;
}
