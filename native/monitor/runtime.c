/* Starts the OCI runtime. Its process gets back what the monitor changed for itself. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "monitor.h"

/* The kernel should kill the container, not the one who reports it. */
#define MONITOR_OOM_SCORE "-999"

static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2};
static struct rlimit descriptors;
static char oom_score[16];

void runtime_protect_self(void) {
  for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_IGN);
  if (getrlimit(RLIMIT_NOFILE, &descriptors) == 0)
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){descriptors.rlim_max, descriptors.rlim_max});
  int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  if (read(fd, oom_score, sizeof oom_score - 1) <= 0 || write(fd, MONITOR_OOM_SCORE, strlen(MONITOR_OOM_SCORE)) < 0)
    oom_score[0] = '\0';
  close(fd);
}

/* Between fork and exec: async-signal-safe calls only. */
static void restore_for_child(void) {
  sigset_t none;
  sigemptyset(&none);
  for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++) signal(ignored[i], SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  setrlimit(RLIMIT_NOFILE, &descriptors);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write(fd, oom_score, strlen(oom_score)) < 0) fd = -1;
}

static void exec_runtime(const char **arguments, const int *fds) {
  for (int i = 0; i < 3; i++) dup2(fds[i], i);
  restore_for_child();
  execv(arguments[0], (char **)arguments);
  const char *reason = strerrordesc_np(errno);
  const char *parts[] = {"cannot run ", arguments[0], ": ", reason};
  for (size_t i = 0; i < 4; i++)
    if (write(2, parts[i], strlen(parts[i])) < 0) break;
  _exit(127);
}

static pid_t spawn(const char **arguments, const int *fds) {
  pid_t pid = fork();
  if (pid == 0) exec_runtime(arguments, fds);
  return pid;
}

/*
 * Puts the part of the command line that all calls share; gives the next free place. Not `--log-format json`: crun
 * would print JSON to the container's stderr when execve fails.
 */
static const char **put_global(const char **out) {
  static char log[PATH_MAX];
  snprintf(log, sizeof log, "%s/" RUNTIME_LOG_FILE, options.dir);
  *out++ = options.runtime;
  *out++ = "--root";
  *out++ = options.runtime_root;
  *out++ = "--log";
  *out++ = log;
  for (const char **argument = options.runtime_arguments; *argument != NULL; argument++) *out++ = *argument;
  return out;
}

pid_t runtime_run(const struct child_stdio *child) {
  static char pid_file[PATH_MAX];
  const char *arguments[40], **out = put_global(arguments);
  snprintf(pid_file, sizeof pid_file, "%s/" RUNTIME_PID_FILE, options.dir);
  *out++ = options.exec_process == NULL ? "run" : "exec";
  *out++ = "--detach";
  *out++ = options.exec_process == NULL ? "--bundle" : "--process";
  *out++ = options.exec_process == NULL ? options.bundle : options.exec_process;
  *out++ = "--pid-file";
  *out++ = pid_file;
  if (options.terminal) {
    *out++ = "--console-socket";
    *out++ = console_path();
  }
  *out++ = options.id;
  *out = NULL;
  return spawn(arguments, child->fds);
}

pid_t runtime_delete(void) {
  const char *arguments[40], **out = put_global(arguments);
  *out++ = "delete";
  *out++ = "--force";
  *out++ = options.id;
  *out = NULL;
  return spawn(arguments, (const int[]){0, 1, 2});
}
