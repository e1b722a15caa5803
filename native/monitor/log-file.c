/* The log's file: lines in, rotation by size, and in non-blocking mode a queue and a thread before the disk. */
#include "monitor.h"

#include <inttypes.h>

#define RETRY_INTERVAL_US 200000

atomic_int log_errno;
atomic_uint_fast64_t log_dropped;

static const char *path;
static uint64_t max_size, max_files, file_size; /* a maximum of 0 is none */
static int file = -1;
static bool compress; /* the files that are not written to any more */
static bool mid_line; /* the file's last byte is not the end of a line */

static pthread_t writer;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct buffer queue; /* under `lock`: what is not in the file yet */
static atomic_bool finishing;
static size_t queue_limit; /* 0 = blocking mode */

static bool open_file(void) {
  struct stat status;
  file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (file < 0 || fstat(file, &status)) return false;
  file_size = (uint64_t)status.st_size;
  return true;
}

/* Cuts off the torn last line of a monitor that was killed while it wrote. */
static void mend(void) {
  char block[4096];
  uint64_t end = file_size;
  for (const char *newline = NULL; end > 0 && !newline;) {
    size_t length = end < sizeof block ? (size_t)end : sizeof block;
    if (pread(file, block, length, (off_t)(end - length)) != (ssize_t)length) return;
    newline = memrchr(block, '\n', length);
    end -= newline ? length - (size_t)(newline - block) - 1 : length;
  }
  if (end < file_size && !ftruncate(file, (off_t)end)) file_size = end;
}

/* gzip removes the file when it is done; one that it could not compress stays as it is. */
static void compress_file(char *name) {
  pid_t pid;
  if (!launch("gzip", (char *[]){"gzip", "-1", "-f", "--", name, NULL}, (int[]){-1, -1, -1, -1}, &pid)) waitpid(pid, NULL, 0);
}

static bool move_up(uint64_t number, const char *suffix) {
  char from[PATH_MAX], to[PATH_MAX];
  snprintf(from, sizeof from, number > 1 ? "%s.%" PRIu64 "%s" : "%s", path, number - 1, suffix);
  snprintf(to, sizeof to, "%s.%" PRIu64 "%s", path, number, suffix);
  return !rename(from, to) || errno == ENOENT;
}

/* log -> log.1 -> log.2 ...; the oldest goes. With one file only, it starts anew. */
static bool rotate(void) {
  char first[PATH_MAX];
  for (uint64_t i = max_files; i-- > 1;)
    if (!move_up(i, "") || (i > 1 && compress && !move_up(i, ".gz"))) return false;
  if (max_files <= 1 && ftruncate(file, 0)) return false;
  snprintf(first, sizeof first, "%s.1", path);
  if (max_files > 1 && compress) compress_file(first);
  close(file);
  return open_file();
}

/* How much of `lines` belongs into the current file: up to and with the line that reaches the maximum. */
static size_t file_share(const char *lines, size_t length) {
  if (max_size == 0 || file_size + length <= max_size) return length;
  size_t reach = file_size < max_size ? (size_t)(max_size - file_size) - 1 : 0;
  const char *newline = memchr(lines + reach, '\n', length - reach);
  return newline ? (size_t)(newline - lines) + 1 : length;
}

/* Gives how many bytes were written; fewer than `length` after an error. */
static size_t write_lines(const char *lines, size_t length) {
  size_t done = 0;
  while (done < length) {
    bool ready = file >= 0 || open_file();
    if (ready && max_size > 0 && file_size >= max_size && !mid_line) ready = rotate();
    ssize_t written = ready ? write(file, lines + done, file_share(lines + done, length - done)) : -1;
    log_errno = written < 0 ? errno : 0;
    if (written < 0) break;
    done += (size_t)written;
    file_size += (uint64_t)written;
    mid_line = lines[done - 1] != '\n';
  }
  return done;
}

static void *run_writer(void *argument) {
  char chunk[16 << 10];
  pthread_mutex_lock(&lock);
  for (;;) {
    while (queue.length == 0 && !finishing) pthread_cond_wait(&changed, &lock);
    size_t length = queue.length < sizeof chunk ? queue.length : sizeof chunk;
    if (length == 0) break;
    memcpy(chunk, queue.bytes + queue.start, length);
    pthread_mutex_unlock(&lock);
    size_t written = write_lines(chunk, length);
    if (written < length && !finishing) usleep(RETRY_INTERVAL_US);
    pthread_mutex_lock(&lock);
    if (written < length && finishing) log_file_drop(chunk + written, length - written);
    buffer_consume(&queue, finishing ? length : written);
  }
  pthread_mutex_unlock(&lock);
  return argument;
}

static uint64_t number(const char *name, uint64_t absent) {
  const char *value = option(name);
  return value ? strtoull(value, NULL, 10) : absent;
}

bool log_file_open(void) {
  path = option("log");
  max_size = number("log-max-size", 0);
  max_files = number("log-max-files", 1);
  compress = option("log-compress") != NULL;
  queue_limit = number("log-buffer", 0);
  if (!open_file()) return false;
  mend();
  if (queue_limit > 0) errno = pthread_create(&writer, NULL, run_writer, NULL);
  return queue_limit == 0 || errno == 0;
}

static void enqueue(const char *lines, size_t length) {
  buffer_append(&queue, lines, length);
  pthread_cond_signal(&changed);
}

size_t log_file_write(const char *lines, size_t length) {
  if (queue_limit == 0) return write_lines(lines, length);
  pthread_mutex_lock(&lock);
  size_t room = queue.length < queue_limit ? queue_limit - queue.length : 0;
  size_t taken = room < length ? room : length;
  enqueue(lines, taken);
  pthread_mutex_unlock(&lock);
  return taken;
}

void log_file_finish(const char *lines, size_t length) {
  if (queue_limit == 0) {
    size_t written = write_lines(lines, length);
    log_file_drop(lines + written, length - written);
  } else {
    pthread_mutex_lock(&lock);
    finishing = true;
    enqueue(lines, length);
    pthread_mutex_unlock(&lock);
    pthread_join(writer, NULL);
  }
  if (file >= 0) close(file);
  file = -1;
}

void log_file_drop(const char *lines, size_t length) {
  for (size_t i = 0; i < length; i++) log_dropped += lines[i] == '\n';
}
