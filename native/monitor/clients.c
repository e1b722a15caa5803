/* Connections of the engine: what they may send, what they are still to get, and when they end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "client.h"

/* A subscriber with this much unread output stops the container's output until it reads. */
#define OUTPUT_LIMIT (1u << 20)
/* A control connection that does not read its replies is dropped. */
#define CONTROL_LIMIT (64u << 10)
static struct source listener = {.fd = -1};
static struct client *clients;
static unsigned full_count;
static char chunk[64 << 10] __attribute__((aligned(4096)));

bool client_writes_stdin(const struct client *client) {
  return client->role == ATTACH && (client->streams & MONITOR_STREAM_STDIN);
}

static void set_full(struct client *client, bool full) {
  if (client->full == full) return;
  client->full = full;
  full_count += full ? 1 : -1u;
  stdio_pause(full_count > 0);
}

static void end_input(struct client *client) {
  if (client->input_over) return;
  client->input_over = true;
  if (client_writes_stdin(client) && options.stdin_once) stdin_end();
  if (client->role != ATTACH) client->output_over = true;
}

static void drop(struct client *client) {
  if (client->dead) return;
  end_input(client);
  client->dead = true;
  buffer_clear(&client->queue);
  set_full(client, false);
  /* Unread input would turn our end of stream into a reset at the peer. */
  while (recv(client->source.fd, chunk, sizeof chunk, MSG_DONTWAIT) > 0) continue;
  source_close(&client->source);
}

/*
 * Says that nothing more comes. The engine's input may be on its way: closing at once would fail its write, and what it
 * has not read yet of our output would be lost with that. So an attached client closes first.
 */
static void end_output(struct client *client) {
  shutdown(client->source.fd, SHUT_WR);
  client->output_over = true;
  if (client->role != ATTACH) client->input_over = true;
}

/* Registers the connection for what it can do next, or drops it when there is nothing left. */
static void update(struct client *client) {
  if (client->dead) return;
  if (client->output_over) buffer_clear(&client->queue);
  if (client->role == CONTROL && client->queue.length > CONTROL_LIMIT) return drop(client);
  set_full(client, client->queue.length > OUTPUT_LIMIT);
  if (client->closing && client->queue.length == 0 && !client->output_over) end_output(client);
  if (client->input_over && client->output_over) return drop(client);
  uint32_t events = 0;
  if (!client->input_over && !(client_writes_stdin(client) && stdin_full())) events |= EPOLLIN;
  if (!client->output_over) events |= EPOLLHUP;
  if (client->queue.length > 0) events |= EPOLLOUT;
  source_watch(&client->source, events);
}

static void flush(struct client *client) {
  while (client->queue.length > 0) {
    ssize_t sent = send(client->source.fd, client->queue.bytes + client->queue.start, client->queue.length,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) client->output_over = true;
    if (sent < 0) return;
    buffer_consume(&client->queue, (size_t)sent);
  }
}

/* Sends header and body, or queues what the socket does not take now. */
static void client_send(struct client *client, const void *header, size_t header_length, const void *body,
                        size_t length) {
  if (client->output_over || client->dead) return;
  size_t sent = 0;
  if (client->queue.length == 0) {
    struct iovec parts[2] = {{(void *)header, header_length}, {(void *)body, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t result = sendmsg(client->source.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result < 0 && errno != EAGAIN && errno != EINTR) client->output_over = true;
    if (result > 0) sent = (size_t)result;
    if (sent == header_length + length || client->output_over) return update(client);
  }
  size_t skip = sent < header_length ? sent : header_length;
  if (!buffer_append(&client->queue, (const char *)header + skip, header_length - skip) ||
      !buffer_append(&client->queue, (const char *)body + (sent - skip), length - (sent - skip)))
    return drop(client);
  update(client);
}

void client_tell(struct client *client, enum monitor_message type, const void *payload, size_t length) {
  unsigned char header[MONITOR_HEADER_SIZE] = {MONITOR_VERSION, (unsigned char)type};
  uint32_t length32 = (uint32_t)length;
  memcpy(header + 4, &length32, 4);
  client_send(client, header, sizeof header, payload, length);
}

static void client_ready(struct source *source, uint32_t events) {
  struct client *client = (struct client *)source;
  if (events & EPOLLOUT) flush(client);
  if (events & EPOLLIN) {
    ssize_t length = read(source->fd, chunk, sizeof chunk);
    if (length > 0 && !requests_take(client, chunk, (size_t)length)) return drop(client);
    if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR)) end_input(client);
  }
  if (events & (EPOLLHUP | EPOLLERR)) client->output_over = true;
  update(client);
}

static void accept_ready(struct source *source, uint32_t events) {
  (void)events;
  int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) source_watch(source, 0);
    return;
  }
  struct client *client = calloc(1, sizeof *client);
  if (client == NULL) {
    close(fd);
    return;
  }
  *client = (struct client){.source = {.fd = fd, .ready = client_ready}, .next = clients, .role = NEW};
  clients = client;
  update(client);
}

void clients_listen(int fd) {
  listener = (struct source){.fd = fd, .ready = accept_ready};
  source_watch(&listener, EPOLLIN);
}

void clients_output(unsigned stream, const void *bytes, size_t length) {
  unsigned char header[8] = {(unsigned char)stream,       0, 0, 0, (unsigned char)(length >> 24),
                             (unsigned char)(length >> 16), (unsigned char)(length >> 8), (unsigned char)length};
  for (struct client *client = clients; client != NULL; client = client->next)
    if (client->role == ATTACH && (client->streams & (1u << stream)))
      client_send(client, header, client->framing == MONITOR_FRAMING_DOCKER ? sizeof header : 0, bytes, length);
}

unsigned clients_tell(enum monitor_message type, const void *payload, size_t length) {
  unsigned told = 0;
  for (struct client *client = clients; client != NULL; client = client->next) {
    if (client->role != CONTROL || client->dead) continue;
    client_tell(client, type, payload, length);
    if (!client->dead && !client->output_over) told++;
  }
  return told;
}

static unsigned count(unsigned roles) {
  unsigned number = 0;
  for (struct client *client = clients; client != NULL; client = client->next)
    if (!client->dead && (client->role & roles)) number++;
  return number;
}

unsigned clients_controls(void) {
  return count(NEW | CONTROL);
}

unsigned clients_count(void) {
  return count(NEW | CONTROL | ATTACH);
}

void clients_resume_input(void) {
  for (struct client *client = clients; client != NULL; client = client->next)
    if (client_writes_stdin(client)) update(client);
}

static void finish(unsigned roles) {
  for (struct client *client = clients; client != NULL; client = client->next) {
    if (!(client->role & roles)) continue;
    client->closing = true;
    update(client);
  }
}

void clients_finish_attach(void) {
  finish(ATTACH);
}

void clients_finish(void) {
  source_close(&listener);
  finish(NEW | CONTROL | ATTACH);
}

void clients_reap(void) {
  bool freed = false;
  for (struct client **link = &clients; *link != NULL;) {
    struct client *client = *link;
    if (!client->dead) {
      link = &client->next;
      continue;
    }
    *link = client->next;
    free(client);
    freed = true;
  }
  if (freed) source_watch(&listener, EPOLLIN);
}
