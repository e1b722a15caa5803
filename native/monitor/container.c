/* The life of the container (or exec): start, exit, clean-up. */
#include "monitor.h"

/* Of the runtime, in the working directory. */
#define PID_FILE "pid"
#define LOG_FILE "runtime.log"
/* How much of the runtime's log and of its stderr a failed start reports. */
#define REPORT_SIZE (16u << 10)
/* The kernel should kill the container, not the one who reports it. */
#define OOM_SCORE "-999"

static char **start_command, **clean_command;
static struct monitor_state state;
static pid_t runtime_pid, clean_pid;
static int64_t cleanup_deadline; /* CLOCK_MONOTONIC, ns */
static bool record_owed, clean_owed, gone;

/*
 * A runtime starts a second time, from a read-only mount of its file that no container can write to (CVE-2019-5736),
 * unless it was started from one already and its environment says so: half of the time that it takes to start. Such a
 * mount is our descriptor 0.
 */
static int launch_runtime(char **argv, const int fds[4], pid_t *pid) {
  char protected[32];
  snprintf(protected, sizeof protected, "/proc/%d/fd/0", getpid());
  return launch(protected, argv, fds, pid) ? launch(argv[0], argv, fds, pid) : 0;
}

void container_setup(char **start, char **clean) {
  static char console[64];
  start_command = start;
  clean_command = clean;
  /* A path for the console's socket that is short, absolute and right for the runtime too. */
  snprintf(console, sizeof console, "/proc/%d/cwd/console.sock", getpid());
  for (; *start; start++)
    if (!strcmp(*start, "CONSOLE")) *start = console;
}

static void cleaned(int32_t status) {
  engine_tell(MONITOR_CLEANED, &status, sizeof status);
  /* An engine that is still reading must not keep a directory busy. */
  gone = chdir("/") == 0;
  engine_finish();
}

/* Removes the container, or says that there is none to remove. */
static void clean_up(void) {
  clean_owed = false;
  if (!cleanup_deadline) cleanup_deadline = now(CLOCK_MONOTONIC) + atoi(option("cleanup-timeout")) * 1000000000LL;
  if (!*clean_command) return cleaned(0);
  clean_owed = launch_runtime(clean_command, (int[]){-1, -1, -1, -1}, &clean_pid) != 0;
}

/* `status` is the runtime's wait status, or -errno for what the monitor could not do, which `object` names. */
static void start_failed(int32_t status, const char *object) {
  static char report[8 + 2 * REPORT_SIZE];
  char *text = report + 8;
  uint32_t log_length = status < 0 ? 0 : (uint32_t)read_file(LOG_FILE, text, REPORT_SIZE);
  size_t length = status < 0 ? (size_t)snprintf(text, REPORT_SIZE, "cannot use %s: %s", object, strerrordesc_np(-status))
                             : log_length + stdio_read_stderr(text + log_length, REPORT_SIZE);
  memcpy(report, &status, 4);
  memcpy(report + 4, &log_length, 4);
  state.phase = MONITOR_ENDED;
  stdio_drain();
  engine_tell(MONITOR_START_FAILED, report, 8 + length);
  /* A runtime that was killed may leave a container behind; one that failed on its own cleans up itself. */
  if (status > 0 && WIFSIGNALED(status)) clean_up();
  else cleaned(0);
}

static void protect_self(void) {
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0) errno = 0; /* then we are as likely a victim as others */
  close(fd);
}

void container_start(void) {
  int fds[4] = {-1, -1, -1, -1};
  state.phase = MONITOR_STARTING;
  unlink(PID_FILE);
  unlink(LOG_FILE);
  if (!log_open()) return start_failed(-errno, option("log"));
  int error = stdio_prepare(fds) ? launch_runtime(start_command, fds, &runtime_pid) : errno;
  protect_self(); /* the runtime has the old score, and passes it on */
  for (int i = 0; i < 3; i++)
    if (fds[i] >= 0) close(fds[i]);
  if (error) start_failed(-error, start_command[0]);
}

static void runtime_ended(int status) {
  char text[32] = "";
  if (status != 0) return start_failed(status, NULL);
  read_file(PID_FILE, text, sizeof text);
  state.pid = atoi(text);
  if (state.pid <= 0) return start_failed(-ENOENT, "pid file of the runtime");
  state.process_start = (uint64_t)process_stat(state.pid, 22);
  state.started_at = now(CLOCK_REALTIME);
  state.phase = MONITOR_RUNNING;
  engine_tell(MONITOR_STARTED, &state, sizeof state);
  stdio_begin();
}

/* Over what is there, in one piece. Gives an errno. */
static int write_record(void) {
  const struct monitor_record record = {{MONITOR_VERSION, MONITOR_EXITED, 0, sizeof state}, state};
  int fd = open(option("exit-file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  bool written = fd >= 0 && pwrite(fd, &record, sizeof record, 0) == sizeof record;
  int error = written && (!option("exit-sync") || !fdatasync(fd)) ? 0 : errno;
  if (fd >= 0) close(fd);
  return error;
}

/* Whether a process of the cgroup was killed: in memory.oom_control (cgroup v1) or memory.events (v2). */
static bool ran_out_of_memory(void) {
  char text[1024];
  const char *path = option("oom-file");
  const char *line = path && read_file(path, text, sizeof text) ? strstr(text, "oom_kill ") : NULL;
  return line && atoi(line + strlen("oom_kill ")) > 0;
}

/*
 * The exit becomes known to others: on disk first, then to the engine. A full disk is no reason to hide it from the
 * engine, but the record is owed until it is written. Where its directory is gone, nobody wants it any more.
 */
static void settle(void) {
  int error = write_record();
  record_owed = error && error != ENOENT;
  if (cleanup_deadline) return;
  struct monitor_state final = container_state();
  if (engine_tell(MONITOR_EXITED, &final, sizeof final) || !record_owed) clean_up();
}

static void container_ended(int status) {
  state.finished_at = now(CLOCK_REALTIME);
  state.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  state.code = WIFSIGNALED(status) ? 128 + state.signal : WEXITSTATUS(status);
  stdio_drain();
  log_finish();
  state.oom = ran_out_of_memory();
  state.phase = MONITOR_ENDED;
  settle();
}

static void clean_up_ended(int status) {
  clean_pid = 0;
  if (status == 0 || now(CLOCK_MONOTONIC) >= cleanup_deadline) cleaned(status);
  else clean_owed = true;
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
    else if (pid == clean_pid) clean_up_ended(status);
  }
}

int container_signal(int signal) {
  pid_t pid = state.phase == MONITOR_STARTING ? runtime_pid : state.phase == MONITOR_RUNNING ? state.pid : 0;
  if (pid <= 0) return ESRCH;
  return kill(pid, signal) == 0 ? 0 : errno;
}

struct monitor_state container_state(void) {
  struct monitor_state copy = state;
  copy.log_errno = log_errno;
  copy.log_dropped = log_dropped;
  return copy;
}

bool container_retry(bool due) {
  if (due && record_owed) settle();
  if (due && clean_owed) clean_up();
  if (due && clean_pid > 0 && now(CLOCK_MONOTONIC) >= cleanup_deadline) kill(clean_pid, SIGKILL);
  return record_owed || clean_owed || clean_pid > 0;
}

bool container_gone(void) {
  return gone && !record_owed;
}
