/* Programs: `spawn` lets them live on by themselves, `run` waits for their end, `watch` for that of any process. */
#include "launcher.h"

#include <sched.h>
#include <sys/ioctl.h>

/* PIDFD_GET_INFO of kernel 6.15 (include/uapi/linux/pidfd.h), which the C library's headers do not have yet. */
struct exit_info {
  uint64_t mask, cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
#define GET_EXIT_INFO _IOWR(0xFF, 11, struct exit_info)
#define INFO_EXIT (1u << 3)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t *children; /* under `lock`: spawned and not yet reaped */
static size_t child_count;

void reap_children(void) {
  pthread_mutex_lock(&lock);
  for (size_t i = child_count; i-- > 0;)
    if (waitpid(children[i], NULL, WNOHANG) != 0) children[i] = children[--child_count];
  pthread_mutex_unlock(&lock);
}

static void add_child(pid_t pid) {
  pthread_mutex_lock(&lock);
  children = grow(children, (child_count + 1) * sizeof *children);
  children[child_count++] = pid;
  pthread_mutex_unlock(&lock);
  reap_children(); /* its SIGCHLD may have come before */
}

/* A listening unix socket with mode 0600 in the working directory, instead of what is there; -1 and errno. */
static int listen_on(const char *name) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(name) >= sizeof address.sun_path) return errno = ENAMETOOLONG, -1;
  strcpy(address.sun_path, name);
  unlink(name);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  /* The file takes its mode from the socket's. */
  if (fd >= 0 && !fchmod(fd, 0600) && !bind(fd, (struct sockaddr *)&address, sizeof address) && !listen(fd, SOMAXCONN))
    return fd;
  int error = errno;
  if (fd >= 0) close(fd);
  return errno = error, -1;
}

void do_spawn(struct request *request) {
  char **argv = request->fields[0].texts, *folder = request->fields[1].text, *name = request->fields[2].text;
  int fds[4] = {-1, -1, -1, -1};
  pid_t pid;
  /* With a working directory of this thread's own, a socket may have a path of any length. */
  if (folder && (unshare(CLONE_FS) || chdir(folder))) return fail(request, errno, "entering %s: %m", folder);
  if (name && (request->fd = fds[3] = listen_on(name)) < 0) return fail(request, errno, "listening on %s: %m", name);
  int error = argv[0] ? launch(argv[0], argv, fds, &pid) : EBADMSG;
  if (!error) {
    add_child(pid);
    return reply_u32(request, (uint32_t)pid);
  }
  if (name) unlink(name);
  fail(request, error, "starting it: %m");
}

/* The wait status at the program's end. When `timeout` (ms, 0 = none) has passed or the engine is gone it is killed. */
static int await_program(struct request *request, pid_t pid, uint32_t timeout) {
  int status = 0, end = pidfd_open(pid, 0);
  if (!wait_or_lose(request, end, timeout ? (int)timeout : -1)) kill(-pid, SIGKILL);
  close(end);
  waitpid(pid, &status, 0);
  return status;
}

/* What was written into the file, up to the limit. */
static void reply_output(struct request *request, int fd) {
  static const size_t limit = LAUNCHER_RUN_OUTPUT;
  off_t end = lseek(fd, 0, SEEK_CUR);
  char *text = grow(NULL, limit);
  ssize_t length = pread(fd, text, end < (off_t)limit ? (size_t)end : limit, 0);
  reply_bytes(request, text, length > 0 ? (size_t)length : 0);
  free(text);
}

/* stdin, stdout and stderr are files in memory: nobody has to feed or drain them, nor wait for who else has them. */
void do_run(struct request *request) {
  char **argv = request->fields[1].texts;
  const struct field *input = &request->fields[2];
  int fds[4] = {-1, -1, -1, -1}, error = 0;
  pid_t pid;
  if (!enter_netns(request, request->fields[0].text)) return;
  for (int i = 0; i < 3; i++) {
    fds[i] = memfd_create("stdio", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fds[i] < 0 || (i > 0 && (ftruncate(fds[i], LAUNCHER_RUN_LIMIT) || fcntl(fds[i], F_ADD_SEALS, F_SEAL_GROW))))
      error = errno;
  }
  if (!error && pwrite(fds[0], input->text, input->length, 0) < 0) error = errno;
  if (!error) error = argv[0] ? launch(argv[0], argv, fds, &pid) : EBADMSG;
  if (error) {
    fail(request, error, "starting it: %m");
  } else {
    reply_u32(request, (uint32_t)await_program(request, pid, request->fields[3].number));
    reply_output(request, fds[1]);
    reply_output(request, fds[2]);
  }
  for (int i = 0; i < 3; i++)
    if (fds[i] >= 0) close(fds[i]);
}

void begin_watch(struct request *request) {
  pid_t pid = (pid_t)request->fields[0].number;
  request->fd = pidfd_open(pid, 0);
  if (request->fd < 0 && errno != ESRCH) return fail(request, errno, "pidfd_open: %m");
  if (request->fd < 0 || process_stat(pid, 22) == strtoll(request->fields[1].text, NULL, 10)) return;
  close(request->fd); /* another process has the pid now */
  request->fd = -1;
}

/* The wait status of a process that has ended: from /proc while it is a zombie, from its pidfd once it is reaped. */
static bool wait_status(pid_t pid, int pidfd, uint32_t *status) {
  int64_t code = process_stat(pid, 52);
  struct exit_info info = {.mask = INFO_EXIT};
  bool zombie = !pidfd_send_signal(pidfd, 0, NULL, 0); /* then the pid was not given to another one before */
  bool known = zombie || (!ioctl(pidfd, GET_EXIT_INFO, &info) && (info.mask & INFO_EXIT));
  *status = zombie ? (uint32_t)code : known ? (uint32_t)info.exit_code : 0;
  return known;
}

void do_watch(struct request *request) {
  uint32_t status = 0;
  if (request->fd >= 0 && !wait_aside(request, request->fd)) return;
  bool known = request->fd >= 0 && wait_status((pid_t)request->fields[0].number, request->fd, &status);
  reply_u32(request, known);
  reply_u32(request, status);
}
