/* Processes whose end somebody waits for: those that the engine watches, and our own children, which must be reaped. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

/* PIDFD_GET_INFO of kernel 6.15 (include/uapi/linux/pidfd.h), which the C library's headers do not have yet. */
struct exit_info {
  uint64_t mask, cgroupid;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
#define GET_EXIT_INFO _IOWR(0xFF, 11, struct exit_info)
#define INFO_EXIT (1u << 3)

struct watch {
  struct source source;
  struct watch *next;
  struct request *request;
  pid_t pid;
  int pidfd;
  char start_time[24];
};

static struct watch *watches;

/* The fields of /proc/PID/stat from the third one (state) on, after the name in parentheses. */
static char *read_stat(pid_t pid, char *buffer, size_t size) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "re");
  if (!file) return NULL;
  size_t length = fread(buffer, 1, size - 1, file);
  fclose(file);
  buffer[length] = 0;
  char *name_end = strrchr(buffer, ')');
  return name_end && name_end[1] ? name_end + 2 : NULL;
}

/* Field `number` (proc(5): state is 3, starttime 22, exit_code 52), or "". */
static char *stat_field(char *fields, int number) {
  for (int at = 3; at < number; at++) {
    fields = strchr(fields, ' ');
    if (!fields) return "";
    fields++;
  }
  return fields;
}

static bool has_start_time(char *fields, const char *start_time) {
  size_t length = strlen(start_time);
  char *field = stat_field(fields, 22);
  return !strncmp(field, start_time, length) && field[length] == ' ';
}

/* The wait status of a process that has ended: from /proc while it is a zombie, from its pidfd once it is reaped. */
static bool wait_status(struct watch *watch, uint32_t *status) {
  char buffer[2048], *fields = read_stat(watch->pid, buffer, sizeof buffer);
  if (fields && has_start_time(fields, watch->start_time)) {
    *status = (uint32_t)strtoul(stat_field(fields, 52), NULL, 10);
    return true;
  }
  struct exit_info info = {.mask = INFO_EXIT};
  if (ioctl(watch->pidfd, GET_EXIT_INFO, &info) || !(info.mask & INFO_EXIT)) return false;
  *status = (uint32_t)info.exit_code;
  return true;
}

static void forget(struct watch *watch) {
  struct watch **at = &watches;
  while (*at != watch) at = &(*at)->next;
  *at = watch->next;
  loop_close(watch->pidfd);
  free(watch);
}

static void on_exit_of(struct source *source, uint32_t events) {
  (void)events;
  struct watch *watch = (struct watch *)source;
  uint32_t status = 0;
  bool known = wait_status(watch, &status);
  reply_u32(watch->request, known);
  reply_u32(watch->request, status);
  request_resume(watch->request);
  forget(watch);
}

void handle_watch(struct request *request) {
  pid_t pid = (pid_t)read_u32(request);
  char *start_time = read_text(request), buffer[2048];
  struct watch *watch = grow(NULL, sizeof *watch);
  *watch = (struct watch){{on_exit_of}, watches, request, pid, -1, ""};
  if (strlen(start_time) >= sizeof watch->start_time) request->malformed = true;
  if (!request->malformed) {
    strcpy(watch->start_time, start_time);
    watch->pidfd = pidfd_open(pid, 0);
    if (watch->pidfd < 0 && errno != ESRCH) fail(request, errno, "pidfd_open");
  }
  if (watch->pidfd >= 0) {
    char *fields = read_stat(pid, buffer, sizeof buffer);
    if (fields && has_start_time(fields, start_time)) {
      watches = watch;
      request_park();
      return loop_add(watch->pidfd, &watch->source, EPOLLIN);
    }
    close(watch->pidfd);
  }
  if (request->reply_length == LAUNCHER_HEADER_SIZE + sizeof(int32_t)) { /* gone before we looked */
    reply_u32(request, 0);
    reply_u32(request, 0);
  }
  free(watch);
  request_finish(request);
}

void handle_unwatch(struct request *request) {
  uint32_t id = read_u32(request);
  for (struct watch *watch = watches; watch; watch = watch->next) {
    if (watch->request->id != id) continue;
    fail(watch->request, ECANCELED, "watching");
    request_resume(watch->request);
    return forget(watch);
  }
}

void watch_forget_all(void) {
  while (watches) {
    request_free(watches->request);
    forget(watches);
  }
}

struct child {
  struct source source;
  struct child *next;
  int pidfd;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct child *children; /* under `lock`: requests add to it from their threads */

static void on_end_of_child(struct source *source, uint32_t events) {
  (void)events;
  struct child *child = (struct child *)source;
  siginfo_t info;
  waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED | WNOHANG);
  loop_close(child->pidfd);
  pthread_mutex_lock(&lock);
  struct child **at = &children;
  while (*at != child) at = &(*at)->next;
  *at = child->next;
  pthread_mutex_unlock(&lock);
  free(child);
}

bool watch_child(pid_t pid) {
  int pidfd = pidfd_open(pid, 0);
  if (pidfd < 0) return false;
  struct child *child = grow(NULL, sizeof *child);
  *child = (struct child){.source = {on_end_of_child}, .pidfd = pidfd};
  pthread_mutex_lock(&lock);
  child->next = children;
  children = child;
  pthread_mutex_unlock(&lock);
  loop_add(pidfd, &child->source, EPOLLIN);
  return true;
}
