/* The log's file: whole lines in, rotation by size, and in non-blocking mode a thread between container and disk. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor.h"

#define WRITER_STACK (64u << 10)

static int fd = -1;
static uint64_t file_size;
static atomic_int last_error;
static atomic_uint_fast64_t dropped;

/* The writer thread's queue: lines that are not in the file yet. Touched under the lock only. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct buffer queue;
static size_t in_flight;
static bool finishing;

static bool open_file(void) {
  fd = open(options.log_path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) return false;
  file_size = (uint64_t)status.st_size;
  return true;
}

/* Cuts off the torn last line of a monitor that was killed while it wrote. */
static void mend(void) {
  char block[4096];
  uint64_t end = file_size;
  while (end > 0) {
    size_t length = end < sizeof block ? (size_t)end : sizeof block;
    if (pread(fd, block, length, (off_t)(end - length)) != (ssize_t)length) return;
    char *newline = memrchr(block, '\n', length);
    end -= newline == NULL ? length : length - (size_t)(newline - block) - 1;
    if (newline != NULL) break;
  }
  if (end < file_size && ftruncate(fd, (off_t)end) == 0) file_size = end;
}

/* log -> log.1 -> log.2 ...; the oldest goes. With one file only, it starts anew. */
static bool rotate(void) {
  char from[PATH_MAX], to[PATH_MAX];
  for (uint64_t i = options.log_max_files; i-- > 1;) {
    if (i > 1) snprintf(from, sizeof from, "%s.%" PRIu64, options.log_path, i - 1);
    else snprintf(from, sizeof from, "%s", options.log_path);
    snprintf(to, sizeof to, "%s.%" PRIu64, options.log_path, i);
    if (rename(from, to) != 0 && errno != ENOENT) return false;
  }
  if (options.log_max_files <= 1 && ftruncate(fd, 0) != 0) return false;
  close(fd);
  return open_file();
}

/* How much of `lines` belongs into the current file: up to and with the line that reaches the maximum. */
static size_t file_share(const char *lines, size_t length) {
  if (options.log_max_size == 0 || file_size + length <= options.log_max_size) return length;
  size_t reach = (size_t)(options.log_max_size - file_size) - 1;
  const char *newline = memchr(lines + reach, '\n', length - reach);
  return newline == NULL ? length : (size_t)(newline - lines) + 1;
}

/* Gives how many bytes were written; fewer than `length` after an error. */
static size_t write_lines(const char *lines, size_t length) {
  size_t done = 0;
  while (done < length) {
    bool ready = fd >= 0 || open_file();
    /* `done` stands within a line only after a short write, which was below the maximum. */
    if (ready && options.log_max_size > 0 && file_size >= options.log_max_size) ready = rotate();
    ssize_t written = ready ? write(fd, lines + done, file_share(lines + done, length - done)) : -1;
    if (written < 0 && errno == EINTR) continue;
    last_error = written < 0 ? errno : 0;
    if (written < 0) break;
    done += (size_t)written;
    file_size += (uint64_t)written;
  }
  return done;
}

static void *run_writer(void *argument) {
  pthread_mutex_lock(&lock);
  for (;;) {
    while (queue.length == 0) pthread_cond_wait(&changed, &lock);
    struct buffer batch = queue;
    queue = (struct buffer){0};
    in_flight = batch.length;
    while (batch.length > 0) {
      pthread_mutex_unlock(&lock);
      size_t written = write_lines(batch.bytes + batch.start, batch.length);
      if (batch.length > written && !finishing) sleep(1);
      pthread_mutex_lock(&lock);
      if (batch.length > written && finishing) break;
      buffer_consume(&batch, written);
      in_flight = batch.length;
    }
    buffer_clear(&batch);
    in_flight = 0;
    pthread_cond_broadcast(&changed);
  }
  return argument;
}

static bool start_writer(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, WRITER_STACK);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  errno = pthread_create(&thread, &attributes, run_writer, NULL);
  return errno == 0;
}

bool log_file_open(void) {
  if (!open_file()) return false;
  mend();
  return options.log_buffer == 0 || start_writer();
}

/* Queues as many whole lines as there is room for. */
static void enqueue(const char *lines, size_t length) {
  pthread_mutex_lock(&lock);
  size_t used = queue.length + in_flight;
  size_t room = used < options.log_buffer ? options.log_buffer - used : 0;
  if (room < length) {
    const char *newline = room == 0 ? NULL : memrchr(lines, '\n', room);
    room = newline == NULL ? 0 : (size_t)(newline - lines) + 1;
    for (const char *at = lines + room; (at = memchr(at, '\n', length - (size_t)(at - lines))) != NULL; at++)
      log_file_drop(1);
    length = room;
  }
  buffer_append(&queue, lines, length);
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
}

size_t log_file_write(const char *lines, size_t length) {
  if (options.log_buffer == 0) return write_lines(lines, length);
  enqueue(lines, length);
  return length;
}

void log_file_finish(void) {
  pthread_mutex_lock(&lock);
  finishing = true;
  while (queue.length > 0 || in_flight > 0) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
  if (fd >= 0) close(fd);
  fd = -1;
}

void log_file_drop(uint64_t lines) {
  dropped += lines;
}

int log_file_error(void) {
  return last_error;
}

uint64_t log_file_dropped(void) {
  return dropped;
}
