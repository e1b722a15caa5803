/*
 * wherry-launcher -- ENGINE ARGS...   starts the engine and serves it (what bin/wherryd does)
 *
 * The engine inherits its end of the channel (WHERRY_LAUNCHER_FD), what an earlier engine had us keep, and what systemd
 * passes (LISTEN_FDS, with our pid in LISTEN_PID). It speaks with the service manager through us: another process is not
 * heard.
 * Once an engine has said READY, one that is killed or fails is started again, later each time; one that ends before
 * that, or with code 0, or after it was told to, ends the launcher with its code.
 */
#include "launcher.h"

#define MS 1000000LL
#define FIRST_DELAY (100 * MS)
#define MAX_DELAY (5000 * MS)
/* An engine that lived this long counts as sound: the next delay is the first one again. */
#define SOUND_AFTER (10000 * MS)
/* How long the next engine waits for what the last one had us do: what is stuck in the kernel shall not keep it away. */
#define PATIENCE (5000 * MS)
/* When we look again for a child, or whether a channel that is not read because of too much work can be, or work has ended. */
#define BUSY_TIMEOUT_MS 10

static struct {
  char **argv;
  pid_t pid; /* 0 while none runs */
  bool ready, stopping, child_ended;
  int64_t started, restart_at, delay; /* CLOCK_MONOTONIC */
} engine = {.delay = FIRST_DELAY};

static _Noreturn void die(const char *what) {
  fprintf(stderr, "wherry-launcher: %s: %m\n", what);
  exit(70);
}

/* The engine serves. */
long call_ready(struct request *request, const long *a) {
  engine.ready = true;
  return 0;
}

/* In the new process. An engine never outlives its launcher: two of them on one data-root would be worse than none. */
static _Noreturn void become_engine(pid_t launcher, int channel) {
  char number[12];
  sigset_t none;
  sigemptyset(&none);
  setpgid(0, 0); /* a terminal's Ctrl-C reaches the launcher, which forwards it once */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != launcher) _exit(125);
  snprintf(number, sizeof number, "%d", channel);
  if (fcntl(channel, F_SETFD, 0) || setenv("WHERRY_LAUNCHER_FD", number, 1)) _exit(125);
  signal(SIGPIPE, SIG_DFL);
  sigprocmask(SIG_SETMASK, &none, NULL);
  execvp(engine.argv[0], engine.argv);
  dprintf(STDERR_FILENO, "wherry-launcher: starting %s: %m\n", engine.argv[0]);
  _exit(127);
}

static void start_engine(void) {
  int ends[2];
  pid_t launcher = getpid();
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) die("socketpair");
  engine.pid = fork();
  if (engine.pid < 0) die("fork");
  if (engine.pid == 0) become_engine(launcher, ends[1]);
  close(ends[1]);
  engine.started = now(CLOCK_MONOTONIC);
  channel_open(ends[0]);
}

static void on_engine_end(int status) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  engine.pid = 0;
  channel_close();
  if (engine.stopping || !engine.ready || code == 0) exit(code);
  int64_t time = now(CLOCK_MONOTONIC);
  if (time - engine.started >= SOUND_AFTER) engine.delay = FIRST_DELAY;
  engine.restart_at = time + engine.delay;
  fprintf(stderr, "wherry-launcher: the engine ended with code %d; starting it again in %d ms\n", code,
          (int)(engine.delay / MS));
  engine.delay = engine.delay * 2 < MAX_DELAY ? engine.delay * 2 : MAX_DELAY;
}

/*
 * Takes the engine's end, and those of spawned programs: they are this thread's children once that of their request has
 * ended, so we look a second time. The children of a thread that waits for its program are its own.
 */
static void reap(void) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG | __WNOTHREAD)) > 0;)
    if (pid == engine.pid) on_engine_end(status);
}

static void on_signal(int number) {
  bool stop = number == SIGTERM || number == SIGINT;
  if (stop && !engine.pid) exit(0);
  if (engine.pid && number != SIGCHLD) kill(engine.pid, stop && engine.stopping ? SIGKILL : number);
  engine.stopping = engine.stopping || stop;
  engine.child_ended = number == SIGCHLD;
}

/* Starts an engine that is due; how many ms until then, or until there is something else to look at. */
static int next_timeout(void) {
  if (engine.pid) return channel_fd() < 0 || engine.child_ended ? BUSY_TIMEOUT_MS : -1;
  int64_t left = engine.restart_at - now(CLOCK_MONOTONIC);
  if (left > 0) return (int)(left / MS) + 1;
  if (channel_at_work() && left > -PATIENCE) return BUSY_TIMEOUT_MS;
  if (channel_at_work())
    fprintf(stderr, "wherry-launcher: what the last engine asked for is still in work, in the kernel\n");
  start_engine();
  return -1;
}

static _Noreturn void run(int signals) {
  struct pollfd polled[2] = {{.fd = signals, .events = POLLIN}, {.events = POLLIN}};
  struct signalfd_siginfo info;
  for (;;) {
    int timeout = next_timeout();
    engine.child_ended = false;
    polled[1].fd = channel_fd();
    if (poll(polled, 2, timeout) < 0 && errno != EINTR) die("poll");
    if (polled[1].revents && !channel_receive()) channel_close();
    if (polled[0].revents && read(signals, &info, sizeof info) == sizeof info) on_signal((int)info.ssi_signo);
    reap();
  }
}

/* Descriptors 0 to 2 are taken from here on, so that none of ours ever is one that a child must have. */
static void reserve_low_descriptors(void) {
  int fd = 0;
  while (fd <= 2)
    if ((fd = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0) die("/dev/null");
  close(fd);
}

int main(int argc, char **argv) {
  if (argc < 3 || strcmp(argv[1], "--")) {
    fprintf(stderr, "usage: wherry-launcher -- ENGINE ARGS...\n");
    return 64;
  }
  mallopt(M_ARENA_MAX, 1); /* threads are short; an arena for each would only cost memory */
  reserve_low_descriptors();
  int signals = take_signals((int[]){SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, 0});
  if (signals < 0) die("signalfd");
  engine.argv = argv + 2;
  run(signals);
}
