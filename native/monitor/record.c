/* The exit record, and the kernel's count of processes that it killed for lack of memory. */
#include "monitor.h"

bool record_write(const struct monitor_state *state) {
  const struct monitor_record record = {{MONITOR_VERSION, MONITOR_EXITED, 0, sizeof *state}, *state};
  int fd = open(option("exit-file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool written = pwrite(fd, &record, sizeof record, 0) == sizeof record && (!option("exit-sync") || !fdatasync(fd));
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
