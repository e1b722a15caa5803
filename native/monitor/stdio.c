/* The container's standard streams: pipes, or one terminal. Output goes to the log and the subscribers, in that order. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include "monitor.h"

#define PIPE_SIZE (256 << 10)
/* Clients are not read while this much stdin is queued. */
#define STDIN_LIMIT (1u << 20)
/* A read of more than this makes it worth giving the buffers' pages back later. */
#define BURST (8u << 10)

static void output_ready(struct source *source, uint32_t events);
static void input_ready(struct source *source, uint32_t events);

/* [0] is stdout or the terminal, [1] is stderr. */
static struct source outputs[2] = {{.fd = -1, .ready = output_ready}, {.fd = -1, .ready = output_ready}};
static struct source input = {.fd = -1, .ready = input_ready};
static struct buffer input_queue;
static bool begun, paused, hung_up, burst;
static bool input_ended;  /* no more bytes are accepted; the pipe closes when the queue is empty */
static struct winsize window; /* asked for before there was a terminal */
static char chunk[64 << 10] __attribute__((aligned(4096)));

static void set_nonblocking(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* ends[0] is read from. */
static bool make_pipe(int *read_end, int *write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  fcntl(ends[1], F_SETPIPE_SZ, PIPE_SIZE);
  *read_end = ends[0];
  *write_end = ends[1];
  return true;
}

bool stdio_prepare(struct child_stdio *child) {
  *child = (struct child_stdio){{-1, -1, -1}};
  if (!make_pipe(&outputs[1].fd, &child->fds[2])) return false;
  if (options.terminal) {
    child->fds[1] = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (!console_listen()) return false;
  } else if (!make_pipe(&outputs[0].fd, &child->fds[1])) {
    return false;
  }
  if (options.stdin_open && !options.terminal) return make_pipe(&child->fds[0], &input.fd);
  child->fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  return child->fds[0] >= 0;
}

void stdio_close_child_side(struct child_stdio *child) {
  for (int i = 0; i < 3; i++)
    if (child->fds[i] >= 0) close(child->fds[i]);
}

size_t stdio_read_stderr(char *text, size_t size) {
  size_t length = 0;
  if (outputs[1].fd < 0) return 0;
  set_nonblocking(outputs[1].fd);
  for (ssize_t got; length < size && (got = read(outputs[1].fd, text + length, size - length)) > 0;)
    length += (size_t)got;
  return length;
}

void stdio_set_terminal(int fd) {
  outputs[0].fd = fd;
  if (options.stdin_open) input.fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (window.ws_row != 0 || window.ws_col != 0) ioctl(fd, TIOCSWINSZ, &window);
}

static uint32_t output_events(int index) {
  return paused || (index == 0 && hung_up) ? 0 : EPOLLIN;
}

static void flush_input(void) {
  if (!begun) return;
  bool was_full = stdin_full();
  while (input.fd >= 0 && input_queue.length > 0) {
    ssize_t written = write(input.fd, input_queue.bytes + input_queue.start, input_queue.length);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) break;
    if (written < 0) {
      /* Nobody reads the rest: the container closed its stdin, or has the terminal closed at the moment. */
      input_ended = !options.terminal;
      buffer_clear(&input_queue);
      break;
    }
    buffer_consume(&input_queue, (size_t)written);
  }
  if (input_queue.length > 0) source_watch(&input, EPOLLOUT);
  else if (input_ended && !options.terminal) source_close(&input);
  else source_watch(&input, 0);
  if (was_full && !stdin_full()) clients_resume_input();
}

static void input_ready(struct source *source, uint32_t events) {
  (void)source;
  (void)events;
  flush_input();
}

void stdio_begin(void) {
  begun = true;
  console_close();
  for (int i = 0; i < 2; i++) {
    if (outputs[i].fd < 0) continue;
    set_nonblocking(outputs[i].fd);
    source_watch(&outputs[i], output_events(i));
  }
  if (input.fd >= 0) set_nonblocking(input.fd);
  flush_input();
}

/* Passes one read's bytes on and gives their number; 0 when nothing is there (yet, or any more). */
static size_t read_output(int index) {
  struct source *source = &outputs[index];
  ssize_t length = read(source->fd, chunk, sizeof chunk);
  if (length > 0) {
    burst = burst || (size_t)length > BURST;
    log_write((unsigned)index + 1, chunk, (size_t)length);
    clients_output((unsigned)index + 1, chunk, (size_t)length);
    return (size_t)length;
  }
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (length < 0 && errno == EIO && options.terminal && index == 0) {
    /* Nobody has the terminal open; the container may open it again. */
    hung_up = true;
    source_watch(source, 0);
  } else {
    source_close(source);
  }
  return 0;
}

static void output_ready(struct source *source, uint32_t events) {
  (void)events;
  read_output((int)(source - outputs));
}

void stdio_pause(bool pause) {
  paused = pause;
  if (!begun) return;
  for (int i = 0; i < 2; i++) source_watch(&outputs[i], output_events(i));
}

bool stdio_retry_terminal(bool due) {
  if (!hung_up || outputs[0].fd < 0) return false;
  if (!due) return true;
  hung_up = false;
  if (!paused) read_output(0);
  if (!hung_up) source_watch(&outputs[0], output_events(0));
  return hung_up;
}

void stdio_drain(void) {
  /* All that the process wrote fits in the pipes; what comes on top is from processes that it left behind. */
  for (int i = 0; i < 2; i++) {
    for (size_t taken = 0, part = 1; part > 0 && taken < PIPE_SIZE && outputs[i].fd >= 0; taken += part)
      part = read_output(i);
    source_close(&outputs[i]);
  }
  source_close(&input);
  input_ended = true;
  buffer_clear(&input_queue);
  clients_resume_input();
}

int stdio_resize(unsigned short rows, unsigned short columns) {
  if (!options.terminal) return ENOTTY;
  window = (struct winsize){.ws_row = rows, .ws_col = columns};
  if (outputs[0].fd < 0) return 0;
  return ioctl(outputs[0].fd, TIOCSWINSZ, &window) == 0 ? 0 : errno;
}

void stdin_write(const void *bytes, size_t length) {
  if (!options.stdin_open || input_ended) return;
  if (!buffer_append(&input_queue, bytes, length)) return;
  flush_input();
}

bool stdin_full(void) {
  return input_queue.length >= STDIN_LIMIT;
}

void stdin_end(void) {
  if (options.terminal) return;
  input_ended = true;
  flush_input();
}

bool stdio_burst(void) {
  return burst;
}

void stdio_release(void) {
  burst = false;
  madvise(chunk, sizeof chunk, MADV_DONTNEED);
}
