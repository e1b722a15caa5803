/* Requests of the engine: frames in, actions and replies out. */
#include <string.h>

#include "client.h"

static const struct {
  uint32_t length;
  unsigned roles;
} requests[] = {
    [MONITOR_QUERY] = {0, NEW | CONTROL},      [MONITOR_START] = {0, NEW | CONTROL},
    [MONITOR_SIGNAL] = {4, NEW | CONTROL},     [MONITOR_RESIZE] = {4, NEW | CONTROL | ATTACH},
    [MONITOR_STDIN] = {0, ATTACH},             [MONITOR_STDIN_EOF] = {0, NEW | CONTROL | ATTACH},
    [MONITOR_SUBSCRIBE] = {2, NEW},
};

static void reply(struct client *client, int error) {
  int32_t value = error;
  if (client->role == CONTROL) client_tell(client, MONITOR_REPLY, &value, sizeof value);
}

static void subscribe(struct client *client, const unsigned char *payload) {
  client->streams = payload[0];
  client->framing = payload[1];
  client_tell(client, MONITOR_SUBSCRIBED, NULL, 0);
  if (container_phase() == MONITOR_ENDED) client->closing = true;
}

static void start(struct client *client) {
  if (container_phase() == MONITOR_WAITING) return container_start();
  struct monitor_state state = container_state();
  if (state.phase != MONITOR_STARTING) client_tell(client, MONITOR_STARTED, &state, sizeof state);
}

static void handle(struct client *client, unsigned type, const unsigned char *payload) {
  client->role = type == MONITOR_SUBSCRIBE ? ATTACH : client->role == NEW ? CONTROL : client->role;
  struct monitor_state state;
  uint32_t number;
  uint16_t size[2];
  switch (type) {
    case MONITOR_QUERY:
      state = container_state();
      return client_tell(client, MONITOR_STATE, &state, sizeof state);
    case MONITOR_START:
      return start(client);
    case MONITOR_SIGNAL:
      memcpy(&number, payload, sizeof number);
      return reply(client, container_signal((int)number));
    case MONITOR_RESIZE:
      memcpy(size, payload, sizeof size);
      return reply(client, stdio_resize(size[0], size[1]));
    case MONITOR_STDIN_EOF:
      stdin_end();
      return reply(client, 0);
    case MONITOR_SUBSCRIBE:
      return subscribe(client, payload);
  }
}

/* Length of the frame whose header has arrived; 0 = malformed. A STDIN frame's payload is not counted. */
static size_t frame_length(struct client *client) {
  unsigned type = client->frame[1];
  uint32_t length;
  memcpy(&length, client->frame + 4, sizeof length);
  if (client->frame[0] != MONITOR_VERSION || client->frame[2] != 0 || client->frame[3] != 0) return 0;
  if (type == 0 || type >= sizeof requests / sizeof requests[0] || !(requests[type].roles & client->role)) return 0;
  if (type != MONITOR_STDIN) return length == requests[type].length ? MONITOR_HEADER_SIZE + length : 0;
  client->stdin_left = length;
  return length <= MONITOR_MAX_PAYLOAD ? MONITOR_HEADER_SIZE : 0;
}

bool requests_take(struct client *client, const char *bytes, size_t length) {
  while (length > 0 && !client->dead) {
    if (client->stdin_left > 0) {
      size_t part = client->stdin_left < length ? client->stdin_left : length;
      if (client_writes_stdin(client)) stdin_write(bytes, part);
      client->stdin_left -= (uint32_t)part;
      bytes += part;
      length -= part;
      continue;
    }
    size_t wanted = client->have < MONITOR_HEADER_SIZE ? MONITOR_HEADER_SIZE : frame_length(client);
    size_t part = wanted - client->have < length ? wanted - client->have : length;
    memcpy(client->frame + client->have, bytes, part);
    client->have += part;
    bytes += part;
    length -= part;
    if (client->have < MONITOR_HEADER_SIZE) continue;
    wanted = frame_length(client);
    if (wanted == 0) return false;
    if (client->have < wanted) continue;
    client->have = 0;
    handle(client, client->frame[1], client->frame + MONITOR_HEADER_SIZE);
  }
  return true;
}

