/* The event loop's pieces: sources, clocks and byte queues. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "monitor.h"

#define BUFFER_STEP 4096

static int epoll = -1;

void loop_open(void) {
  epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) _exit(1);
}

bool loop_turn(int timeout) {
  struct epoll_event ready[32];
  int count = epoll_wait(epoll, ready, 32, timeout);
  for (int i = 0; i < count; i++) {
    struct source *source = ready[i].data.ptr;
    if (source->fd >= 0 && source->events != 0) source->ready(source, ready[i].events);
  }
  return count != 0;
}

void source_watch(struct source *source, uint32_t events) {
  if (source->fd < 0 || source->events == events) return;
  int operation = source->events == 0 ? EPOLL_CTL_ADD : events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  struct epoll_event event = {.events = events, .data.ptr = source};
  if (epoll_ctl(epoll, operation, source->fd, &event) == 0) source->events = events;
}

void source_close(struct source *source) {
  if (source->fd < 0) return;
  source_watch(source, 0);
  close(source->fd);
  source->fd = -1;
}

int64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

bool buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
  if (length == 0) return true;
  if (buffer->start > 0 && buffer->start + buffer->length + length > buffer->capacity) {
    memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->length);
    buffer->start = 0;
  }
  if (buffer->length + length > buffer->capacity) {
    size_t capacity = buffer->capacity * 2 > BUFFER_STEP ? buffer->capacity * 2 : BUFFER_STEP;
    if (capacity < buffer->length + length) capacity = buffer->length + length;
    char *bytes_now = realloc(buffer->bytes, capacity);
    if (bytes_now == NULL) return false;
    buffer->bytes = bytes_now;
    buffer->capacity = capacity;
  }
  memcpy(buffer->bytes + buffer->start + buffer->length, bytes, length);
  buffer->length += length;
  return true;
}

void buffer_consume(struct buffer *buffer, size_t length) {
  buffer->start += length;
  buffer->length -= length;
  if (buffer->length == 0) buffer_clear(buffer);
}

void buffer_clear(struct buffer *buffer) {
  free(buffer->bytes);
  *buffer = (struct buffer){0};
}
