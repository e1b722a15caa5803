#include "common.h"

#include <spawn.h>

#define RECEIVED_AT_ONCE (16u << 10)

/* The environment of what we start: ours is for the engine. The second one is for runtimes, see monitor/container.c. */
static char *environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                              "_LIBCONTAINER_CLONED_BINARY=1", NULL};

int64_t now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void *grow(void *memory, size_t size) {
  memory = realloc(memory, size);
  if (!memory) abort();
  return memory;
}

char *buffer_room(struct buffer *buffer, size_t length) {
  if (buffer->start + buffer->length + length > buffer->capacity && buffer->start > 0) {
    memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->length);
    buffer->start = 0;
  }
  if (buffer->length + length > buffer->capacity) {
    buffer->capacity = 2 * (buffer->length + length);
    buffer->bytes = grow(buffer->bytes, buffer->capacity);
  }
  return buffer->bytes + buffer->start + buffer->length;
}

void buffer_append(struct buffer *buffer, const void *bytes, size_t length) {
  if (length == 0) return;
  memcpy(buffer_room(buffer, length), bytes, length);
  buffer->length += length;
}

ssize_t buffer_receive(struct buffer *buffer, int fd) {
  ssize_t length = recv(fd, buffer_room(buffer, RECEIVED_AT_ONCE), RECEIVED_AT_ONCE, MSG_DONTWAIT);
  if (length > 0) buffer->length += (size_t)length;
  return length;
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

size_t read_file(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  off_t end = lseek(fd, 0, SEEK_END), room = (off_t)size - 1;
  ssize_t length = pread(fd, text, size - 1, end > room ? end - room : 0);
  close(fd);
  text[length > 0 ? length : 0] = 0;
  return length > 0 ? (size_t)length : 0;
}

int64_t process_stat(pid_t pid, int field) {
  char path[32], text[2048];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  char *at = read_file(path, text, sizeof text) ? strrchr(text, ')') : NULL; /* field 2 is the name in parentheses */
  for (int passed = 2; passed < field && at; passed++) at = strchr(at + 1, ' ');
  return at ? strtoll(at, NULL, 10) : -1;
}

int take_signals(const int *signals) {
  sigset_t set;
  sigemptyset(&set);
  for (; *signals; signals++) sigaddset(&set, *signals);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGCHLD, SIG_DFL); /* ignored, it would make children unwaitable */
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int launch(const char *program, char **argv, const int fds[4], pid_t *pid) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < 4; i++) {
    if (fds[i] >= 0) posix_spawn_file_actions_adddup2(&actions, fds[i], i);
    else if (i < 3) posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, fds[3] >= 0 ? 4 : 3);
  int error = posix_spawnp(pid, program, &actions, &attributes, argv, environment);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}
