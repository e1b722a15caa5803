/*
 * The engine's life. Once an engine has said READY, one that is killed or fails is started again, later each time;
 * one that ends before that, or with code 0, or after it was told to, ends the launcher with its code.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

#define FIRST_DELAY_MS 100
#define MAX_DELAY_MS 5000
/* An engine that lived this long counts as sound: the next delay is the first one again. */
#define SOUND_AFTER_MS 10000

extern char **environ;

static void on_engine_end(struct source *source, uint32_t events);

static struct {
  struct source source;
  char **argv;
  pid_t pid;
  int pidfd;
  bool ready, stopping;
  int64_t started, restart_at; /* restart_at: 0 while an engine runs */
  int delay;
} engine = {.source = {on_engine_end}, .pidfd = -1, .delay = FIRST_DELAY_MS};

int engine_pidfd(void) { return engine.pidfd; }

/* Our environment and the two variables of the engine; lives as long as this process. */
static char **engine_environment(char *kept) {
  static char channel[] = "WHERRY_LAUNCHER_FD=3";
  size_t count = 0;
  while (environ[count]) count++;
  char **env = grow(NULL, (count + 3) * sizeof *env);
  memcpy(env, environ, count * sizeof *env);
  env[count] = channel;
  env[count + 1] = kept;
  env[count + 2] = NULL;
  return env;
}

/* In the new process. An engine never outlives its launcher: two of them on one data-root would be worse than none. */
static _Noreturn void become_engine(pid_t launcher, int channel, char **env) {
  sigset_t none;
  sigemptyset(&none);
  setpgid(0, 0); /* a terminal's Ctrl-C reaches the launcher, which forwards it once */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != launcher) _exit(125);
  if (dup2(channel, 3) < 0) _exit(125);
  held_make_inheritable();
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvpe(engine.argv[0], engine.argv, env);
  dprintf(STDERR_FILENO, "wherry-launcher: starting %s: %m\n", engine.argv[0]);
  _exit(127);
}

static void start_engine(void) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) die("socketpair");
  char *kept = held_environment(), **env = engine_environment(kept);
  pid_t launcher = getpid();
  engine.pid = fork();
  if (engine.pid < 0) die("fork");
  if (engine.pid == 0) become_engine(launcher, ends[1], env);
  free(env);
  free(kept);
  close(ends[1]);
  engine.pidfd = pidfd_open(engine.pid, 0);
  if (engine.pidfd < 0) die("pidfd_open");
  engine.started = now_ms();
  engine.restart_at = 0;
  channel_open(ends[0]);
  loop_add(engine.pidfd, &engine.source, EPOLLIN);
}

static void on_engine_end(struct source *source, uint32_t events) {
  (void)source, (void)events;
  siginfo_t info = {0};
  if (waitid(P_PIDFD, (id_t)engine.pidfd, &info, WEXITED)) return;
  loop_close(engine.pidfd);
  engine.pidfd = -1;
  engine.pid = 0;
  channel_close();
  watch_forget_all();
  bool exited = info.si_code == CLD_EXITED;
  int code = exited ? info.si_status : 128 + info.si_status;
  if (engine.stopping || !engine.ready || code == 0) exit(code);
  if (now_ms() - engine.started >= SOUND_AFTER_MS) engine.delay = FIRST_DELAY_MS;
  engine.restart_at = now_ms() + engine.delay;
  fprintf(stderr, "wherry-launcher: the engine ended with %s %d; starting it again in %d ms\n",
          exited ? "code" : "signal", info.si_status, engine.delay);
  engine.delay = engine.delay * 2 < MAX_DELAY_MS ? engine.delay * 2 : MAX_DELAY_MS;
}

int engine_timeout_ms(void) {
  if (!engine.restart_at) return -1;
  int64_t left = engine.restart_at - now_ms();
  return left > 0 ? (int)left : 0;
}

void engine_restart_if_due(void) {
  if (engine.restart_at && now_ms() >= engine.restart_at) start_engine();
}

void engine_signal(int number) {
  bool stop = number == SIGTERM || number == SIGINT;
  if (stop && !engine.pid) exit(0);
  if (engine.pid) kill(engine.pid, stop && engine.stopping ? SIGKILL : number);
  if (stop) {
    engine.stopping = true;
    notify_service_manager("STOPPING=1");
  }
}

void handle_ready(struct request *request) {
  (void)request;
  char state[64];
  engine.ready = true;
  snprintf(state, sizeof state, "READY=1\nMAINPID=%d", getpid());
  notify_service_manager(state);
}

/* Without an engine of its own there is nobody to bring back. */
static void on_channel_lost(void) {
  if (!engine.argv) exit(0);
}

void engine_run(char **argv) {
  engine.argv = argv;
  channel_init(on_channel_lost);
  start_engine();
}

void engine_serve(int fd) {
  struct ucred peer;
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size)) die("--serve needs a unix socket");
  if (fcntl(fd, F_SETFD, FD_CLOEXEC)) die("--serve");
  engine.pidfd = pidfd_open(peer.pid, 0);
  channel_init(on_channel_lost);
  channel_open(fd);
}
