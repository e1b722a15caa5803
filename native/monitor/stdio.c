/* The container's standard streams: pipes, or one terminal. Output goes to the log and the engine, in that order. */
#include "monitor.h"

#include <sys/ioctl.h>
#include <termios.h>

/* In the working directory. */
#define CONSOLE_NAME "console.sock"
#define PIPE_SIZE (256 << 10)
/* The engine sends no more while this much stdin is queued. */
#define STDIN_LIMIT (1u << 20)
/* After a read of more than this, the first one that takes all there is ends a burst: memory is given back. */
#define BURST (8 << 10)

static int outputs[2] = {-1, -1}; /* [0] is stdout or the terminal, [1] is stderr */
static int input = -1, console = -1;
static struct buffer input_queue;
static bool begun, hung_up, burst;
static bool input_ended;      /* no more bytes are accepted; the pipe closes when the queue is empty */
static struct winsize window; /* asked for before there was a terminal */
static char chunk[MONITOR_MAX_PAYLOAD] __attribute__((aligned(4096)));

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* Our end does not block; we read from it, or write to it. */
static bool make_pipe(int *ours, int *theirs, bool writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) return false;
  *ours = ends[writing];
  *theirs = ends[!writing];
  fcntl(*ours, F_SETPIPE_SZ, PIPE_SIZE);
  return !fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static bool listen_for_console(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONSOLE_NAME};
  unlink(CONSOLE_NAME);
  console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return console >= 0 && !bind(console, (struct sockaddr *)&address, sizeof address) && !listen(console, 1);
}

bool stdio_prepare(int fds[3]) {
  bool terminal = option("tty");
  if (!make_pipe(&outputs[1], &fds[2], false)) return false;
  if (terminal ? !listen_for_console() : !make_pipe(&outputs[0], &fds[1], false)) return false;
  return terminal || !option("stdin") || make_pipe(&input, &fds[0], true);
}

size_t stdio_read_stderr(char *text, size_t size) {
  ssize_t length = read(outputs[1], text, size);
  return length > 0 ? (size_t)length : 0;
}

static void close_console(void) {
  if (console >= 0) unlink(CONSOLE_NAME);
  close_fd(&console);
}

/* The runtime sends the master of the container's terminal. */
static void console_ready(int fd, short events) {
  char name[256], control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(sizeof(size_t))));
  struct iovec part = {name, sizeof name};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
  bool came = recvmsg(connection, &message, MSG_CMSG_CLOEXEC) > 0;
  struct cmsghdr *header = came ? CMSG_FIRSTHDR(&message) : NULL;
  if (connection >= 0) close(connection);
  if (!header || header->cmsg_type != SCM_RIGHTS) return;
  close_console();
  memcpy(&outputs[0], CMSG_DATA(header), sizeof outputs[0]);
  fcntl(outputs[0], F_SETFL, O_NONBLOCK);
  if (option("stdin")) input = fcntl(outputs[0], F_DUPFD_CLOEXEC, 3);
  if (window.ws_row || window.ws_col) ioctl(outputs[0], TIOCSWINSZ, &window);
}

static void flush_input(int fd, short events) {
  ssize_t written = 0;
  while (begun && input >= 0 && input_queue.length > 0 && written >= 0) {
    written = write(input, input_queue.bytes + input_queue.start, input_queue.length);
    if (written > 0) buffer_consume(&input_queue, (size_t)written);
  }
  if (written < 0 && errno != EAGAIN) {
    /* Nobody reads the rest: the container closed its stdin, or has the terminal closed at the moment. */
    input_ended = !option("tty");
    buffer_clear(&input_queue);
  }
  if (begun && input_ended && input_queue.length == 0 && !option("tty")) close_fd(&input);
}

void stdio_begin(void) {
  begun = true;
  if (console >= 0) console_ready(console, 0); /* the runtime's end may be seen before what it sent */
  close_console();
  flush_input(input, 0);
}

/* Passes one read's bytes on and gives their number; 0 when nothing is there (yet, or any more). */
static size_t read_output(int index) {
  ssize_t length = outputs[index] < 0 ? -1 : read(outputs[index], chunk, sizeof chunk);
  if (length > 0) {
    log_write((unsigned)index + 1, chunk, (size_t)length);
    engine_output(MONITOR_STDOUT + index, chunk, (size_t)length);
    burst = burst || length > BURST;
    if (burst && (size_t)length < sizeof chunk) {
      burst = false;
      madvise(chunk, sizeof chunk, MADV_DONTNEED);
      log_release();
    }
    return (size_t)length;
  }
  if (length < 0 && errno == EIO && option("tty")) hung_up = true; /* the container may open it again */
  else if (length == 0 || errno != EAGAIN) close_fd(&outputs[index]);
  return 0;
}

static void output_ready(int fd, short events) {
  if (!engine_behind()) read_output(fd == outputs[1]);
}

void stdio_watch(void) {
  bool paused = !begun || engine_behind();
  if (console >= 0) watch(console, POLLIN, console_ready);
  if (!paused && outputs[0] >= 0 && !hung_up) watch(outputs[0], POLLIN, output_ready);
  if (!paused && outputs[1] >= 0) watch(outputs[1], POLLIN, output_ready);
  if (begun && input >= 0 && input_queue.length > 0) watch(input, POLLOUT, flush_input);
}

bool stdio_hung_up(bool due) {
  if (due) hung_up = false;
  return hung_up && outputs[0] >= 0;
}

void stdio_drain(void) {
  /* All that the process wrote fits in the pipes; what comes on top is from processes that it left behind. */
  for (int i = 0; i < 2; i++) {
    for (size_t taken = 0, part = 1; part > 0 && taken < PIPE_SIZE; taken += part) part = read_output(i);
    close_fd(&outputs[i]);
  }
  close_fd(&input);
  input_ended = true;
  buffer_clear(&input_queue);
}

int stdio_resize(unsigned short rows, unsigned short columns) {
  if (!option("tty")) return ENOTTY;
  window = (struct winsize){.ws_row = rows, .ws_col = columns};
  return outputs[0] < 0 || ioctl(outputs[0], TIOCSWINSZ, &window) == 0 ? 0 : errno;
}

void stdin_write(const void *bytes, size_t length) {
  if (!option("stdin") || input_ended) return;
  buffer_append(&input_queue, bytes, length);
  flush_input(input, 0);
}

bool stdin_full(void) {
  return input_queue.length >= STDIN_LIMIT;
}

void stdin_end(void) {
  if (option("tty")) return;
  input_ended = true;
  flush_input(input, 0);
}
