/* The life of the container (or exec): start, exit, clean-up. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "monitor.h"

/* How much of the runtime's log and of its stderr a failed start reports. */
#define REPORT_SIZE (16u << 10)

static struct monitor_state state;
static pid_t runtime_pid, delete_pid;
static int64_t cleanup_deadline; /* CLOCK_MONOTONIC, ns */
static bool record_owed, delete_owed, gone;

static void clean_up(void);

static void cleaned(int32_t status) {
  clients_tell(MONITOR_CLEANED, &status, sizeof status);
  /* A client that is still reading must not keep a directory busy. */
  gone = chdir("/") == 0;
  clients_finish();
}

static size_t read_file(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  off_t end = lseek(fd, 0, SEEK_END);
  ssize_t length = pread(fd, text, size, end > (off_t)size ? end - (off_t)size : 0);
  close(fd);
  return length < 0 ? 0 : (size_t)length;
}

/* `status` is the runtime's wait status, or -errno for what the monitor could not do, which `object` names. */
static void start_failed(int32_t status, const char *object) {
  static char report[8 + 2 * REPORT_SIZE];
  char *text = report + 8;
  uint32_t log_length = status < 0 ? 0 : (uint32_t)read_file(RUNTIME_LOG_FILE, text, REPORT_SIZE);
  size_t length = status < 0 ? (size_t)snprintf(text, REPORT_SIZE, "%s: %s", object, strerrordesc_np(-status))
                             : log_length + stdio_read_stderr(text + log_length, REPORT_SIZE);
  memcpy(report, &status, 4);
  memcpy(report + 4, &log_length, 4);
  state.phase = MONITOR_ENDED;
  stdio_drain();
  clients_tell(MONITOR_START_FAILED, report, 8 + length);
  clients_finish_attach();
  /* A runtime that was killed may leave a container behind; one that failed on its own cleans up itself. */
  if (status > 0 && WIFSIGNALED(status) && options.exec_process == NULL) clean_up();
  else cleaned(0);
}

void container_start(void) {
  struct child_stdio child;
  state.phase = MONITOR_STARTING;
  unlink(RUNTIME_PID_FILE);
  unlink(RUNTIME_LOG_FILE);
  if (!log_open()) return start_failed(-errno, options.log_path);
  if (!stdio_prepare(&child)) return start_failed(-errno, "standard streams");
  runtime_pid = runtime_run(&child);
  int error = errno;
  stdio_close_child_side(&child);
  if (runtime_pid < 0) start_failed(-error, options.runtime);
}

/* Field 22 of /proc/PID/stat: with the pid and the boot, it names a process for good. */
static uint64_t read_process_start(pid_t pid) {
  char path[32], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (length <= 0) return 0;
  text[length] = '\0';
  char *field = strrchr(text, ')');
  for (int i = 2; i < 22 && field != NULL; i++) field = strchr(field + 1, ' ');
  return field == NULL ? 0 : strtoull(field, NULL, 10);
}

static void runtime_ended(int status) {
  char text[32] = "";
  if (status != 0) return start_failed(status, NULL);
  read_file(RUNTIME_PID_FILE, text, sizeof text - 1);
  state.pid = atoi(text);
  if (state.pid <= 0) return start_failed(-ENOENT, "pid file of the runtime");
  state.process_start = read_process_start(state.pid);
  state.started_at = now(CLOCK_REALTIME);
  state.phase = MONITOR_RUNNING;
  clients_tell(MONITOR_STARTED, &state, sizeof state);
  stdio_begin();
}

/* Runs `delete`, or says that nothing is left to delete. */
static void clean_up(void) {
  delete_owed = false;
  if (cleanup_deadline == 0) cleanup_deadline = now(CLOCK_MONOTONIC) + (int64_t)options.cleanup_timeout * 1000000000;
  if (options.exec_process != NULL) return cleaned(0);
  delete_pid = runtime_delete();
  if (delete_pid < 0) delete_owed = true;
}

static void delete_ended(int status) {
  delete_pid = 0;
  if (status == 0 || now(CLOCK_MONOTONIC) >= cleanup_deadline) cleaned(status);
  else delete_owed = true;
}

/*
 * The exit becomes known to others: on disk first, then to the engine. A full disk is no reason to hide it from the
 * engine, but the record is owed until it is written. Where its directory is gone, nobody wants it any more.
 */
static void settle(void) {
  record_owed = !record_write(&state) && errno != ENOENT;
  if (cleanup_deadline != 0) return;
  struct monitor_state final = container_state();
  unsigned told = clients_tell(MONITOR_EXITED, &final, sizeof final);
  if (record_owed && told == 0) return;
  clients_finish_attach();
  clean_up();
}

static void container_ended(int status) {
  state.finished_at = now(CLOCK_REALTIME);
  state.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  state.code = WIFSIGNALED(status) ? 128 + state.signal : WEXITSTATUS(status);
  stdio_drain();
  log_finish();
  state.oom = record_oom();
  state.phase = MONITOR_ENDED;
  settle();
}

void container_reap(void) {
  int status;
  if (runtime_pid > 0) {
    /* Until the runtime says which process is the container's, no other exit status may be taken. */
    if (waitpid(runtime_pid, &status, WNOHANG) != runtime_pid) return;
    runtime_pid = 0;
    runtime_ended(status);
  }
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == state.pid && state.phase == MONITOR_RUNNING) container_ended(status);
    else if (pid == delete_pid) delete_ended(status);
  }
}

int container_signal(int signal) {
  pid_t pid = state.phase == MONITOR_STARTING ? runtime_pid : state.phase == MONITOR_RUNNING ? state.pid : 0;
  if (pid <= 0) return ESRCH;
  return kill(pid, signal) == 0 ? 0 : errno;
}

struct monitor_state container_state(void) {
  struct monitor_state copy = state;
  copy.log_errno = log_file_error();
  copy.log_dropped = log_file_dropped();
  return copy;
}

enum monitor_phase container_phase(void) {
  return state.phase;
}

bool container_retry(bool due) {
  if (due && record_owed) settle();
  if (due && delete_owed) clean_up();
  if (due && delete_pid > 0 && now(CLOCK_MONOTONIC) >= cleanup_deadline) kill(delete_pid, SIGKILL);
  return record_owed || delete_owed || delete_pid > 0;
}

bool container_gone(void) {
  return gone && !record_owed;
}
