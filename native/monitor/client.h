/* One connection of the engine, for clients.c (its life and its bytes) and requests.c (what it asks). */
#ifndef WHERRY_MONITOR_CLIENT_H
#define WHERRY_MONITOR_CLIENT_H

#include "monitor.h"

/* Payload of every frame but STDIN. */
#define SMALL_PAYLOAD 8

enum role { NEW = 1, CONTROL = 2, ATTACH = 4 };

struct client {
  struct source source;
  struct client *next;
  enum role role;
  unsigned streams, framing;
  bool input_over, output_over; /* nothing more comes from it; nothing more can be sent to it */
  bool closing;                 /* to be closed when its queue is empty */
  bool full, dead;
  struct buffer queue;
  unsigned char frame[MONITOR_HEADER_SIZE + SMALL_PAYLOAD];
  size_t have;                  /* bytes of `frame` */
  uint32_t stdin_left;          /* bytes of a STDIN frame that are still to come */
};

bool client_writes_stdin(const struct client *client);
/* Sends one frame. */
void client_tell(struct client *client, enum monitor_message type, const void *payload, size_t length);

/* Takes bytes that the connection sent and does what they ask; false for a malformed frame. */
bool requests_take(struct client *client, const char *bytes, size_t length);

#endif
