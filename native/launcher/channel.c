/* The connection with the engine: takes frames apart, a thread for each request, sends the reply. */
#include "launcher.h"

/* At this many requests in work we stop reading, which is the engine's back-pressure. */
#define MAX_IN_WORK 256

/* Lives until the last request that came through it has its reply, so that none reaches the next engine. */
struct channel {
  int fd;
  atomic_uint users;
  pthread_mutex_t sending;
};

static struct channel *channel;
static struct buffer inbox;
static atomic_uint in_work;

static void leave(struct channel *left) {
  if (--left->users > 0) return;
  close(left->fd);
  free(left);
}

void channel_open(int fd) {
  channel = grow(NULL, sizeof *channel);
  *channel = (struct channel){fd, 1, PTHREAD_MUTEX_INITIALIZER};
}

void channel_close(void) {
  if (!channel) return;
  shutdown(channel->fd, SHUT_RDWR);
  leave(channel);
  channel = NULL;
  buffer_clear(&inbox);
}

int channel_fd(void) {
  return channel && in_work < MAX_IN_WORK ? channel->fd : -1;
}

bool channel_at_work(void) {
  return in_work > 0;
}

bool wait_or_lose(struct request *request, int fd, int timeout) {
  struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = request->channel->fd}};
  while (poll(polled, 2, timeout) < 0 && errno == EINTR) continue;
  return !polled[1].revents && polled[0].revents;
}

bool wait_aside(struct request *request, int fd) {
  in_work--;
  bool come = wait_or_lose(request, fd, -1);
  in_work++;
  return come;
}

static void send_all(int fd, const void *bytes, size_t length) {
  for (ssize_t sent; length > 0 && (sent = send(fd, bytes, length, MSG_NOSIGNAL)) > 0; length -= (size_t)sent)
    bytes = (const char *)bytes + sent;
}

/* Makes no (more) calls and gives no results. */
static void refuse(struct request *request, int error) {
  request->error = error;
  request->failed = LAUNCHER_NO_CALL;
  request->made = request->count;
  request->reply.length = sizeof(struct launcher_reply);
}

static void send_reply(struct request *request) {
  struct buffer *frame = &request->reply;
  end_calls(request); /* before the reply, as a mount is busy while a descriptor of it is open */
  if (frame->length > LAUNCHER_MAX_PAYLOAD) refuse(request, EMSGSIZE);
  struct launcher_reply head = {.header = request->header, .error = request->error, .failed = request->failed};
  head.header.length = (uint32_t)(frame->length - sizeof head.header);
  const char *name = strerrorname_np(head.error);
  errno = head.error;
  snprintf(head.name, sizeof head.name, "%s", name ? name : "");
  snprintf(head.text, sizeof head.text, "%m");
  memcpy(frame->bytes, &head, sizeof head);
  pthread_mutex_lock(&request->channel->sending);
  send_all(request->channel->fd, frame->bytes, frame->length);
  pthread_mutex_unlock(&request->channel->sending);
  leave(request->channel);
  buffer_clear(frame);
  free(request->payload);
  free(request);
  in_work--;
}

static void *serve(void *argument) {
  pthread_detach(pthread_self());
  make_calls(argument, false);
  send_reply(argument);
  return NULL;
}

static void take(const struct launcher_header *header, const char *payload) {
  pthread_t thread;
  struct request *request = grow(NULL, sizeof *request);
  *request = (struct request){.channel = channel, .header = *header};
  request->payload = memcpy(grow(NULL, header->length + 1u), payload, header->length);
  buffer_append(&request->reply, &(struct launcher_reply){0}, sizeof(struct launcher_reply));
  channel->users++;
  in_work++;
  if (!read_calls(request)) refuse(request, EBADMSG);
  make_calls(request, true);
  int error = pthread_create(&thread, NULL, serve, request);
  if (!error) return;
  refuse(request, error);
  send_reply(request);
}

bool channel_receive(void) {
  struct launcher_header header;
  ssize_t length = buffer_receive(&inbox, channel->fd);
  if (length <= 0) return length < 0 && errno == EAGAIN;
  while (inbox.length >= sizeof header) {
    memcpy(&header, inbox.bytes + inbox.start, sizeof header);
    if (header.version != LAUNCHER_VERSION || header.length > LAUNCHER_MAX_PAYLOAD) return false;
    if (inbox.length < sizeof header + header.length) break;
    take(&header, inbox.bytes + inbox.start + sizeof header);
    buffer_consume(&inbox, sizeof header + header.length);
  }
  return true;
}
