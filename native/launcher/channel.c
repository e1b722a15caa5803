/* The connection with the engine: takes frames apart, gives each request to its operation, sends the reply. */
#include "launcher.h"

/* At this many requests in work we stop reading, which is the engine's back-pressure. */
#define MAX_IN_WORK 256

/* Fields: u = u32, b = bytes, t = text, o = text or absent, l = list of texts. */
struct operation {
  const char *fields;
  void (*begin)(struct request *request);
  void (*work)(struct request *request);
};

static const struct operation operations[] = {
    [LAUNCHER_MOUNT] = {"ttul", NULL, do_mount},
    [LAUNCHER_BIND] = {"ttuuuu", NULL, do_bind},
    [LAUNCHER_UNMOUNT] = {"tu", NULL, do_unmount},
    [LAUNCHER_CREATE_NETNS] = {"t", NULL, do_create_netns},
    [LAUNCHER_DELETE_NETNS] = {"t", NULL, do_delete_netns},
    [LAUNCHER_NETLINK] = {"oubou", NULL, do_netlink},
    [LAUNCHER_NFT] = {"otu", NULL, do_nft},
    [LAUNCHER_SPAWN] = {"loo", NULL, do_spawn},
    [LAUNCHER_RUN] = {"olbu", NULL, do_run},
    [LAUNCHER_KEEP] = {"tu", begin_keep, NULL},
    [LAUNCHER_RELEASE] = {"t", begin_release, NULL},
    [LAUNCHER_HOLD_PORT] = {"tutu", begin_hold_port, NULL},
    [LAUNCHER_HELD] = {"", begin_held, NULL},
    [LAUNCHER_WATCH] = {"ut", begin_watch, do_watch},
    [LAUNCHER_READY] = {"", begin_ready, NULL},
};

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

void reply_u32(struct request *request, uint32_t value) {
  buffer_append(&request->reply, &value, sizeof value);
}

void reply_bytes(struct request *request, const void *bytes, size_t length) {
  reply_u32(request, (uint32_t)length);
  buffer_append(&request->reply, bytes, length);
}

void fail(struct request *request, int error, const char *format, ...) {
  char text[8192];
  va_list arguments;
  va_start(arguments, format);
  errno = error;
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  const char *name = strerrorname_np(error);
  request->error = error;
  buffer_clear(&request->reply);
  reply_bytes(request, name, name ? strlen(name) : 0);
  buffer_append(&request->reply, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

/* Texts in a row, each with its NUL. */
static char **split(char *text, uint32_t length) {
  size_t count = 0;
  char **texts = grow(NULL, (length + 1) * sizeof *texts);
  for (char *at = text; at < text + length; at += strlen(at) + 1) texts[count++] = at;
  texts[count] = NULL;
  return texts;
}

static bool read_field(char type, struct field *field) {
  bool ends = field->length > 0 && field->text[field->length - 1] == 0;
  switch (type) {
    case 'u':
      if (field->length != sizeof field->number) return false;
      memcpy(&field->number, field->text, sizeof field->number);
      return true;
    case 't': return ends && strlen(field->text) + 1 == field->length && field->length > 1;
    case 'o': return !field->text || (ends && strlen(field->text) + 1 == field->length);
    case 'l':
      field->texts = ends || !field->text ? split(field->text, field->length) : NULL;
      return field->texts;
    default: return true;
  }
}

static bool read_request(struct request *request) {
  char *at = request->payload, *end = at + request->header.length;
  struct field *field = request->fields;
  request->operation = &operations[request->header.op < sizeof operations / sizeof *operations ? request->header.op : 0];
  for (const char *type = request->operation->fields; type && *type; type++, field++) {
    if ((size_t)(end - at) < sizeof field->length) return false;
    memcpy(&field->length, at, sizeof field->length);
    at += sizeof field->length;
    if (field->length > (size_t)(end - at)) return false;
    field->text = field->length > 0 ? at : NULL;
    at += field->length;
    if (!read_field(*type, field)) return false;
  }
  return request->operation->fields;
}

static void send_all(int fd, const void *bytes, size_t length) {
  for (ssize_t sent; length > 0 && (sent = send(fd, bytes, length, MSG_NOSIGNAL)) > 0; length -= (size_t)sent)
    bytes = (const char *)bytes + sent;
}

static void send_reply(struct request *request) {
  struct buffer frame = {0}, *reply = &request->reply;
  if (reply->length > LAUNCHER_MAX_PAYLOAD - sizeof request->error) fail(request, EMSGSIZE, "the reply: %m");
  request->header.length = (uint32_t)(sizeof request->error + reply->length);
  buffer_append(&frame, &request->header, sizeof request->header);
  buffer_append(&frame, &request->error, sizeof request->error);
  buffer_append(&frame, reply->bytes, reply->length);
  pthread_mutex_lock(&request->channel->sending);
  send_all(request->channel->fd, frame.bytes, frame.length);
  pthread_mutex_unlock(&request->channel->sending);
  leave(request->channel);
  for (size_t i = 0; i < sizeof request->fields / sizeof *request->fields; i++) free(request->fields[i].texts);
  if (request->fd >= 0) close(request->fd);
  buffer_clear(&frame);
  buffer_clear(reply);
  free(request->payload);
  free(request);
  in_work--;
}

static void *serve(void *argument) {
  struct request *request = argument;
  if (request->operation->work && !request->error) request->operation->work(request);
  send_reply(request);
  return NULL;
}

static void take(const struct launcher_header *header, const char *payload) {
  pthread_t thread;
  struct request *request = grow(NULL, sizeof *request);
  *request = (struct request){.channel = channel, .header = *header, .fd = -1};
  request->payload = memcpy(grow(NULL, header->length + 1u), payload, header->length);
  channel->users++;
  in_work++;
  if (!read_request(request)) fail(request, EBADMSG, "a request %u of the engine: %m", header->op);
  else if (request->operation->begin) request->operation->begin(request);
  int error = pthread_create(&thread, NULL, serve, request);
  if (!error) {
    pthread_detach(thread);
    return;
  }
  fail(request, error, "a thread for the request: %m");
  send_reply(request);
}

bool channel_receive(void) {
  char chunk[16 << 10];
  struct launcher_header header;
  ssize_t length = recv(channel->fd, chunk, sizeof chunk, MSG_DONTWAIT);
  if (length <= 0) return length < 0 && errno == EAGAIN;
  buffer_append(&inbox, chunk, (size_t)length);
  while (inbox.length >= sizeof header) {
    memcpy(&header, inbox.bytes + inbox.start, sizeof header);
    if (header.version != LAUNCHER_VERSION || header.length > LAUNCHER_MAX_PAYLOAD) return false;
    if (inbox.length < sizeof header + header.length) break;
    take(&header, inbox.bytes + inbox.start + sizeof header);
    buffer_consume(&inbox, sizeof header + header.length);
  }
  return true;
}
