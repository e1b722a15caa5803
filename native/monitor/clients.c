/* Connections of the engine: what they may send, what they are still to get, and when they end. */
#include "monitor.h"

#define LISTENER 3
/* A subscriber with this much unread output, or all of them with that much, stop the container's output. */
#define OUTPUT_LIMIT (1u << 20)
#define OUTPUT_TOTAL (8u << 20)
/* A control connection that does not read its replies is dropped. */
#define CONTROL_LIMIT (64u << 10)

struct client {
  struct client *next;
  int fd; /* -1: to be freed */
  enum role role;
  unsigned streams, framing;
  bool input_over, output_over; /* nothing more comes from it; nothing more can be sent to it */
  bool closing;                 /* its output ends when its queue is empty */
  struct buffer inbox, queue;
};

static const struct {
  uint32_t payload; /* the most that there can be; exactly that, but for STDIN */
  unsigned roles;
} requests[] = {
    [MONITOR_QUERY] = {0, NEW | CONTROL},
    [MONITOR_START] = {0, NEW | CONTROL},
    [MONITOR_SIGNAL] = {4, NEW | CONTROL},
    [MONITOR_RESIZE] = {4, NEW | CONTROL | ATTACH},
    [MONITOR_STDIN] = {MONITOR_MAX_PAYLOAD, ATTACH},
    [MONITOR_STDIN_EOF] = {0, NEW | CONTROL | ATTACH},
    [MONITOR_SUBSCRIBE] = {2, NEW},
};

static struct client *clients;
static bool listening = true, crowded; /* crowded: no descriptor was left for another one */

static bool writes_stdin(const struct client *client) {
  return client->role == ATTACH && (client->streams & MONITOR_STREAM_STDIN);
}

static void end_input(struct client *client) {
  if (!client->input_over && writes_stdin(client) && option("stdin-once")) stdin_end();
  client->input_over = true;
  if (client->role != ATTACH) client->output_over = true;
}

static void drop(struct client *client) {
  char rest[4096];
  if (client->fd < 0) return;
  end_input(client);
  /* Unread input would turn our end of stream into a reset at the peer. */
  while (recv(client->fd, rest, sizeof rest, MSG_DONTWAIT) > 0) continue;
  close(client->fd);
  client->fd = -1;
  buffer_clear(&client->inbox);
  buffer_clear(&client->queue);
}

/* Sends as much as there is room for at the other end; gives how much. */
static size_t send_now(struct client *client, const void *bytes, size_t length) {
  ssize_t sent = send(client->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN) client->output_over = true;
  return sent < 0 ? 0 : (size_t)sent;
}

static void send_queue(struct client *client) {
  buffer_consume(&client->queue, send_now(client, client->queue.bytes + client->queue.start, client->queue.length));
}

static void client_send(struct client *client, const void *bytes, size_t length) {
  if (client->output_over || client->fd < 0) return;
  size_t sent = client->queue.length == 0 ? send_now(client, bytes, length) : 0;
  buffer_append(&client->queue, (const char *)bytes + sent, length - sent);
}

/* In one piece, so that the other end wakes up once for it. */
static void client_tell(struct client *client, enum monitor_message type, const void *payload, size_t length) {
  struct monitor_header header = {.version = MONITOR_VERSION, .type = (uint8_t)type, .length = (uint32_t)length};
  if (client->output_over || client->fd < 0) return;
  buffer_append(&client->queue, &header, sizeof header);
  buffer_append(&client->queue, payload, length);
  send_queue(client);
}

static void reply(struct client *client, int32_t error) {
  if (client->role == CONTROL) client_tell(client, MONITOR_REPLY, &error, sizeof error);
}

static void handle(struct client *client, unsigned type, const char *payload, uint32_t length) {
  struct monitor_state state = container_state();
  uint32_t number = 0;
  memcpy(&number, payload, length < sizeof number ? length : sizeof number);
  client->role = type == MONITOR_SUBSCRIBE ? ATTACH : client->role == NEW ? CONTROL : client->role;
  switch (type) {
    case MONITOR_QUERY: return client_tell(client, MONITOR_STATE, &state, sizeof state);
    case MONITOR_START:
      if (state.phase == MONITOR_WAITING) return container_start();
      if (state.phase == MONITOR_STARTING) return;
      return client_tell(client, MONITOR_STARTED, &state, sizeof state);
    case MONITOR_SIGNAL: return reply(client, container_signal((int)number));
    case MONITOR_RESIZE: return reply(client, stdio_resize((uint16_t)number, (uint16_t)(number >> 16)));
    case MONITOR_STDIN_EOF: return stdin_end(), reply(client, 0);
    case MONITOR_SUBSCRIBE:
      client->streams = (unsigned char)payload[0];
      client->framing = (unsigned char)payload[1];
      client->closing = state.phase == MONITOR_ENDED;
      return client_tell(client, MONITOR_SUBSCRIBED, NULL, 0);
    case MONITOR_STDIN:
      if (writes_stdin(client)) stdin_write(payload, length);
  }
}

/* Does what the frames ask that have come; false for a malformed one. */
static bool take_frames(struct client *client) {
  struct monitor_header header;
  while (client->inbox.length >= sizeof header) {
    const char *frame = client->inbox.bytes + client->inbox.start;
    memcpy(&header, frame, sizeof header);
    if (header.version != MONITOR_VERSION || header.zero || header.type >= sizeof requests / sizeof *requests) return false;
    if (!(requests[header.type].roles & client->role) || header.length > requests[header.type].payload) return false;
    if (header.type != MONITOR_STDIN && header.length != requests[header.type].payload) return false;
    if (client->inbox.length < sizeof header + header.length) break;
    handle(client, header.type, frame + sizeof header, header.length);
    buffer_consume(&client->inbox, sizeof header + header.length);
  }
  return true;
}

static void client_ready(void *owner, short events) {
  struct client *client = owner;
  if (client->fd < 0) return;
  if (events & POLLOUT && !client->output_over) send_queue(client);
  if (events & POLLIN) {
    ssize_t length = buffer_receive(&client->inbox, client->fd);
    if (length > 0 && !take_frames(client)) return drop(client);
    if (length == 0 || (length < 0 && errno != EAGAIN)) end_input(client);
  }
  if (events & (POLLHUP | POLLERR)) client->output_over = true;
}

static void accept_ready(void *owner, short events) {
  int fd = accept4(LISTENER, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  crowded = fd < 0 && errno != EAGAIN && errno != ECONNABORTED;
  if (fd < 0) return;
  struct client *client = grow(NULL, sizeof *client);
  *client = (struct client){.next = clients, .fd = fd, .role = NEW};
  clients = client;
}

/*
 * Says that nothing more comes. The engine's input may be on its way: closing at once would fail its write, and what it
 * has not read yet of our output would be lost with that. So an attached client closes first.
 */
static void end_output(struct client *client) {
  shutdown(client->fd, SHUT_WR);
  client->output_over = true;
  if (client->role != ATTACH) client->input_over = true;
}

static void client_watch(struct client *client) {
  if (client->closing && client->queue.length == 0 && !client->output_over) end_output(client);
  if (client->output_over) buffer_clear(&client->queue);
  if (client->role == CONTROL && client->queue.length > CONTROL_LIMIT) drop(client);
  if (client->input_over && client->output_over) drop(client);
  bool reads = !client->input_over && !(writes_stdin(client) && stdin_full());
  short events = (short)((reads ? POLLIN : 0) | (client->queue.length > 0 ? POLLOUT : 0));
  if (client->fd >= 0 && (events || !client->output_over)) watch(client->fd, events, client_ready, client);
}

void clients_watch(void) {
  for (struct client **link = &clients, *client; (client = *link);) {
    client_watch(client);
    if (client->fd >= 0) {
      link = &client->next;
      continue;
    }
    *link = client->next;
    free(client);
    crowded = false;
  }
  if (listening && !crowded) watch(LISTENER, POLLIN, accept_ready, NULL);
}

void clients_output(unsigned stream, char *bytes, size_t length) {
  const uint32_t header[2] = {stream, htobe32((uint32_t)length)};
  memcpy(bytes - sizeof header, header, sizeof header);
  for (struct client *client = clients; client; client = client->next) {
    if (client->role != ATTACH || !(client->streams & (1u << stream))) continue;
    size_t framed = client->framing == MONITOR_FRAMING_DOCKER ? sizeof header : 0;
    client_send(client, bytes - framed, length + framed);
  }
}

unsigned clients_tell(enum monitor_message type, const void *payload, size_t length) {
  unsigned told = 0;
  for (struct client *client = clients; client; client = client->next) {
    if (client->role != CONTROL || client->fd < 0) continue;
    client_tell(client, type, payload, length);
    told += !client->output_over;
  }
  return told;
}

unsigned clients_count(unsigned roles) {
  unsigned number = 0;
  for (struct client *client = clients; client; client = client->next)
    number += client->fd >= 0 && (client->role & roles);
  return number;
}

size_t clients_room(void) {
  size_t most = 0, total = 0;
  for (struct client *client = clients; client; client = client->next) {
    if (client->queue.length > most) most = client->queue.length;
    total += client->queue.length;
  }
  return most >= OUTPUT_LIMIT || total >= OUTPUT_TOTAL ? 0 : (OUTPUT_TOTAL - total) / (clients_count(ATTACH) + 1) + 1;
}

void clients_finish(unsigned roles) {
  if (roles & NEW) close(LISTENER);
  listening = listening && !(roles & NEW);
  for (struct client *client = clients; client; client = client->next)
    if (client->role & roles) client->closing = true;
}
