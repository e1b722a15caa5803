/* Programs: one that is spawned lives on by itself, one that is run is waited for, and of any process the end. */
#include "launcher.h"

#include <sys/ioctl.h>

/* PIDFD_GET_INFO of kernel 6.15 (include/uapi/linux/pidfd.h), which the C library's headers do not have yet. */
struct exit_info {
  uint64_t mask, cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
#define GET_EXIT_INFO _IOWR(0xFF, 11, struct exit_info)
#define INFO_EXIT (1u << 3)

/* Texts in a row, each with its NUL; NULL when they are not. */
static char **split(char *text, size_t length) {
  size_t count = 0;
  if (length == 0 || text[length - 1]) return NULL;
  char **texts = grow(NULL, (length + 1) * sizeof *texts);
  for (char *at = text; at < text + length; at += strlen(at) + 1) texts[count++] = at;
  texts[count] = NULL;
  return texts;
}

/* The arguments begin with a list of texts, the command line, and four descriptors. Gives the pid. */
long call_spawn(struct request *request, const long *a) {
  pid_t pid = -1;
  char **argv = split((char *)a[0], (size_t)a[1]);
  int error = argv ? launch(argv[0], argv, (int[]){(int)a[2], (int)a[3], (int)a[4], (int)a[5]}, &pid) : EBADMSG;
  free(argv);
  return error ? fail(error) : pid;
}

/* The wait status at the program's end. When the time (ms, -1 = any) has passed or the engine is gone it is killed. */
long call_run(struct request *request, const long *a) {
  pid_t pid = (pid_t)call_spawn(request, a);
  if (pid < 0) return -1;
  int status = 0, end = pidfd_open(pid, 0);
  if (!wait_or_lose(request, end, (int)a[6])) kill(-pid, SIGKILL);
  close(end);
  waitpid(pid, &status, 0);
  return status;
}

/*
 * The wait status of a process when it has ended: from /proc while it is a zombie, from its pidfd once it is reaped. One
 * that did not begin when it should have (digits) is another one that has its pid now.
 */
long call_ended(struct request *request, const long *a) {
  struct exit_info info = {.mask = INFO_EXIT};
  int pidfd = (int)a[2];
  if (process_stat((pid_t)a[0], 22) != strtoll((const char *)a[1], NULL, 10)) return fail(ESRCH);
  if (!wait_aside(request, pidfd)) return fail(ECANCELED);
  int64_t code = process_stat((pid_t)a[0], 52);
  if (!pidfd_send_signal(pidfd, 0, NULL, 0)) return code; /* then the pid was not given to another one before */
  return !ioctl(pidfd, GET_EXIT_INFO, &info) && (info.mask & INFO_EXIT) ? info.exit_code : fail(ESRCH);
}
