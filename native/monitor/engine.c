/* The connection with the engine: what it may ask, what it is still to get, and when it ends. */
#include "monitor.h"

#define LISTENER 3
/* With this much unread by the engine, which reads at once unless it hangs, the container's output stops. */
#define QUEUE_LIMIT (1u << 20)

/* The length of each request's payload; for STDIN, the most that it can be. */
static const uint32_t lengths[] = {
    [MONITOR_QUERY] = 0,                   [MONITOR_START] = 0,     [MONITOR_SIGNAL] = 4, [MONITOR_RESIZE] = 4,
    [MONITOR_STDIN] = MONITOR_MAX_PAYLOAD, [MONITOR_STDIN_EOF] = 0, [MONITOR_OUTPUT] = 4, [MONITOR_WRITER] = 4,
};

static int engine = -1;
static struct buffer inbox, queue;
static bool output_over, finishing; /* nothing more can be sent; no more connections are taken */
static uint32_t output, writer;     /* as OUTPUT and WRITER said */
static bool input_owed;             /* a TAKEN */

static void set_writer(uint32_t there) {
  if (writer && !there && option("stdin-once")) stdin_end();
  writer = there;
}

static void drop(void) {
  close(engine);
  engine = -1;
  set_writer(0);
  output = MONITOR_OUTPUT_IGNORED;
  input_owed = output_over = false;
  buffer_clear(&inbox);
  buffer_clear(&queue);
}

/* Gives how much was sent; the rest must wait. */
static size_t send_now(const struct iovec *parts, size_t count) {
  struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = count};
  ssize_t sent = sendmsg(engine, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) output_over = true;
  return sent > 0 ? (size_t)sent : 0;
}

static void send_queue(void) {
  buffer_consume(&queue, send_now(&(struct iovec){queue.bytes + queue.start, queue.length}, 1));
}

/* In one piece, so that the other end wakes up once for it; by way of the queue only what cannot be sent at once. */
bool engine_tell(enum monitor_message type, const void *payload, size_t length) {
  struct monitor_header header = {.version = MONITOR_VERSION, .type = (uint8_t)type, .length = (uint32_t)length};
  const struct iovec parts[] = {{&header, sizeof header}, {(void *)payload, length}};
  if (engine < 0 || output_over) return false;
  size_t sent = queue.length > 0 ? 0 : send_now(parts, 2);
  for (size_t i = 0; i < 2; i++) {
    size_t done = sent < parts[i].iov_len ? sent : parts[i].iov_len;
    buffer_append(&queue, (const char *)parts[i].iov_base + done, parts[i].iov_len - done);
    sent -= done;
  }
  return !output_over;
}

void engine_output(enum monitor_message type, const char *bytes, size_t length) {
  if (output != MONITOR_OUTPUT_IGNORED) engine_tell(type, bytes, length);
}

bool engine_behind(void) {
  return output == MONITOR_OUTPUT_HELD || queue.length >= QUEUE_LIMIT;
}

bool engine_connected(void) {
  return engine >= 0;
}

static void reply(int32_t error) {
  engine_tell(MONITOR_REPLY, &error, sizeof error);
}

static void handle(unsigned type, const char *payload, uint32_t length) {
  struct monitor_state state = container_state();
  uint32_t number = 0;
  memcpy(&number, payload, length < sizeof number ? length : sizeof number);
  switch (type) {
    case MONITOR_QUERY: engine_tell(MONITOR_STATE, &state, sizeof state); break;
    case MONITOR_START:
      if (state.phase == MONITOR_WAITING) container_start();
      break;
    case MONITOR_SIGNAL: reply(container_signal((int)number)); break;
    case MONITOR_RESIZE: reply(stdio_resize((uint16_t)number, (uint16_t)(number >> 16))); break;
    case MONITOR_STDIN:
      stdin_write(payload, length);
      input_owed = true;
      break;
    case MONITOR_STDIN_EOF: stdin_end(); break;
    case MONITOR_OUTPUT: output = number; break;
    case MONITOR_WRITER: set_writer(number); break;
  }
}

/* Does what the frames ask that have come; false for a malformed one. */
static bool take_frames(void) {
  struct monitor_header header;
  while (inbox.length >= sizeof header) {
    const char *frame = inbox.bytes + inbox.start;
    memcpy(&header, frame, sizeof header);
    if (header.version != MONITOR_VERSION || header.zero || header.type >= sizeof lengths / sizeof *lengths) return false;
    bool is_input = header.type == MONITOR_STDIN && !input_owed;
    if (is_input ? header.length > MONITOR_MAX_PAYLOAD : header.length != lengths[header.type]) return false;
    if (inbox.length < sizeof header + header.length) break;
    handle(header.type, frame + sizeof header, header.length);
    buffer_consume(&inbox, sizeof header + header.length);
  }
  return true;
}

static void engine_ready(int fd, short events) {
  if (events & POLLOUT && !output_over) send_queue();
  if (!(events & ~POLLOUT)) return;
  ssize_t length = buffer_receive(&inbox, engine);
  if (length == 0 || (length < 0 && errno != EAGAIN) || !take_frames()) drop();
}

static void accept_ready(int fd, short events) {
  engine = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void engine_watch(void) {
  if (input_owed && !stdin_full()) {
    input_owed = false;
    engine_tell(MONITOR_TAKEN, "", 0);
  }
  if (finishing && queue.length == 0 && !output_over) {
    /* The engine closes first: what it has sent meanwhile would turn our end of stream into a reset. */
    shutdown(engine, SHUT_WR);
    output_over = true;
  }
  if (output_over) buffer_clear(&queue);
  if (engine >= 0) watch(engine, queue.length > 0 ? POLLIN | POLLOUT : POLLIN, engine_ready);
  else if (!finishing) watch(LISTENER, POLLIN, accept_ready);
}

void engine_finish(void) {
  close(LISTENER);
  finishing = true;
}
