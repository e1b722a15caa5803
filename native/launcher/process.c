/* Starting programs: `spawn` lets them live on by themselves, `run` waits for their end and gives what they printed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

extern char **environ;

int launch_process(const struct launch *launch, pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  for (int i = 0; i < 3; i++) {
    if (launch->stdio[i] >= 0) posix_spawn_file_actions_adddup2(&actions, launch->stdio[i], i);
    else posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
  }
  if (launch->passed >= 0) posix_spawn_file_actions_adddup2(&actions, launch->passed, 3);
  posix_spawn_file_actions_addclosefrom_np(&actions, launch->passed >= 0 ? 4 : 3);
  if (launch->cwd) posix_spawn_file_actions_addchdir_np(&actions, launch->cwd);
  char **env = launch->env ? launch->env : environ;
  int error = posix_spawnp(pid, launch->argv[0], &actions, &attributes, launch->argv, env);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* The address of `path`, through its folder's descriptor when it is too long. That descriptor, -1, or -2 for an error. */
static int socket_address(const char *path, struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  if (strlen(path) < sizeof address->sun_path) {
    strcpy(address->sun_path, path);
    return -1;
  }
  const char *slash = strrchr(path, '/');
  if (!slash) return errno = ENAMETOOLONG, -2;
  char *folder = strndup(path, (size_t)(slash - path) + 1);
  int fd = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  free(folder);
  if (fd < 0) return -2;
  int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", fd, slash + 1);
  if (length < (int)sizeof address->sun_path) return fd;
  close(fd);
  return errno = ENAMETOOLONG, -2;
}

/* A listening unix socket with mode 0600; a stale file at `path` is removed. -1 and errno when it fails. */
static int listen_on(const char *path) {
  struct sockaddr_un address;
  int folder = socket_address(path, &address);
  if (folder == -2) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  unlink(path);
  /* The file takes its mode from the socket's. */
  bool listening = fd >= 0 && !fchmod(fd, 0600) && !bind(fd, (struct sockaddr *)&address, sizeof address) &&
                   !listen(fd, SOMAXCONN);
  int error = errno;
  if (folder >= 0) close(folder);
  if (listening) return fd;
  if (fd >= 0) close(fd);
  return errno = error, -1;
}

/* The fields that spawn and run share; free `argv` and `env`. */
static struct launch read_launch(struct request *request) {
  struct launch launch = {.stdio = {-1, -1, -1}, .passed = -1};
  launch.argv = read_texts(request);
  if (!launch.argv[0]) request->malformed = true;
  bool has_env = read_u32(request) != 0;
  launch.env = read_texts(request);
  if (!has_env) {
    free(launch.env);
    launch.env = NULL;
  }
  launch.cwd = read_optional_text(request);
  return launch;
}

static void spawn(struct request *request, struct launch *launch, const char *listen_path) {
  if (listen_path && (launch->passed = listen_on(listen_path)) < 0)
    return fail(request, errno, "listening on %s", listen_path);
  pid_t pid;
  int error = launch_process(launch, &pid);
  if (launch->passed >= 0) close(launch->passed);
  if (error) {
    if (listen_path) unlink(listen_path);
    return fail(request, error, "starting %s", launch->argv[0]);
  }
  if (!watch_child(pid)) fprintf(stderr, "wherry-launcher: process %d will not be reaped: %m\n", pid);
  reply_u32(request, (uint32_t)pid);
}

void handle_spawn(struct request *request) {
  struct launch launch = read_launch(request);
  char *listen_path = read_optional_text(request);
  if (!request->malformed) spawn(request, &launch, listen_path);
  free(launch.argv);
  free(launch.env);
}

/* More than a pipe holds (64 KiB); those who go on writing into it are not waited for. */
#define LAST_CHUNKS 16

struct run {
  int stdio[3]; /* our ends; -1 when closed */
  int pidfd;
  pid_t pid;
  const uint8_t *input;
  size_t input_left;
  uint8_t *output[3]; /* of 1 and 2 */
  size_t length[3];
};

static void close_end(struct run *run, int stream) {
  if (run->stdio[stream] >= 0) close(run->stdio[stream]);
  run->stdio[stream] = -1;
}

static void feed(struct run *run) {
  ssize_t length = write(run->stdio[0], run->input, run->input_left);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length > 0) {
    run->input += length;
    run->input_left -= (size_t)length;
  }
  if (length < 0 || !run->input_left) close_end(run, 0);
}

/* Reads what is there, at most `chunks` times 8 KiB of it; what goes over the limit is dropped. */
static void drain(struct run *run, int stream, unsigned chunks) {
  uint8_t chunk[8192];
  while (run->stdio[stream] >= 0 && chunks--) {
    ssize_t length = read(run->stdio[stream], chunk, sizeof chunk);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == EAGAIN) return;
    if (length <= 0) return close_end(run, stream);
    size_t room = LAUNCHER_RUN_OUTPUT - run->length[stream];
    size_t kept = (size_t)length < room ? (size_t)length : room;
    run->output[stream] = grow(run->output[stream], run->length[stream] + kept + 1);
    memcpy(run->output[stream] + run->length[stream], chunk, kept);
    run->length[stream] += kept;
  }
}

/* Moves bytes until the program ends, then takes what is left in the pipes without waiting for those who hold them. */
static int attend(struct run *run, uint32_t timeout) {
  int64_t deadline = timeout ? now_ms() + timeout : INT64_MAX;
  siginfo_t info = {0};
  for (;;) {
    struct pollfd polled[] = {{.fd = run->stdio[0], .events = POLLOUT},
                              {.fd = run->stdio[1], .events = POLLIN},
                              {.fd = run->stdio[2], .events = POLLIN},
                              {.fd = run->pidfd, .events = POLLIN}};
    int64_t left = deadline == INT64_MAX ? -1 : deadline - now_ms();
    if (deadline != INT64_MAX && left <= 0) {
      kill(-run->pid, SIGKILL);
      deadline = INT64_MAX;
      left = -1;
    }
    poll(polled, 4, (int)left);
    if (polled[0].revents) feed(run);
    if (polled[1].revents) drain(run, 1, 1);
    if (polled[2].revents) drain(run, 2, 1);
    if (polled[3].revents) break;
  }
  drain(run, 1, LAST_CHUNKS);
  drain(run, 2, LAST_CHUNKS);
  while (waitid(P_PIDFD, (id_t)run->pidfd, &info, WEXITED) && errno == EINTR) {}
  return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

static void run_program(struct request *request, struct launch *launch, struct run *run, uint32_t timeout) {
  for (int i = 0; i < 3; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) return fail(request, errno, "a pipe for %s", launch->argv[0]);
    run->stdio[i] = ends[i == 0];
    launch->stdio[i] = ends[i != 0];
    fcntl(run->stdio[i], F_SETFL, O_NONBLOCK);
  }
  int error = launch_process(launch, &run->pid);
  for (int i = 0; i < 3; i++) {
    close(launch->stdio[i]);
    launch->stdio[i] = -1;
  }
  if (error) return fail(request, error, "starting %s", launch->argv[0]);
  run->pidfd = pidfd_open(run->pid, 0);
  if (run->pidfd < 0) {
    error = errno;
    kill(-run->pid, SIGKILL);
    waitpid(run->pid, NULL, 0);
    return fail(request, error, "watching %s", launch->argv[0]);
  }
  int result = attend(run, timeout);
  reply_u32(request, result < 0);
  reply_u32(request, (uint32_t)(result < 0 ? -result : result));
  reply_bytes(request, run->output[1], run->length[1]);
  reply_bytes(request, run->output[2], run->length[2]);
}

void handle_run(struct request *request) {
  struct run run = {.stdio = {-1, -1, -1}, .pidfd = -1};
  char *netns = read_optional_text(request);
  struct launch launch = read_launch(request);
  run.input = read_bytes(request, &run.input_left);
  uint32_t timeout = read_u32(request);
  if (!request->malformed && enter_netns(request, netns)) run_program(request, &launch, &run, timeout);
  for (int i = 0; i < 3; i++) {
    close_end(&run, i);
    if (launch.stdio[i] >= 0) close(launch.stdio[i]);
    free(run.output[i]);
  }
  if (run.pidfd >= 0) close(run.pidfd);
  free(launch.argv);
  free(launch.env);
}
