/* The console socket: the runtime sends the master of the container's terminal over it. */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor.h"

#define CONSOLE_NAME "console.sock"

static struct source listener = {.fd = -1};

/* Descriptor of the first SCM_RIGHTS message, -1 if there is none. */
static int receive_descriptor(int socket) {
  char name[256];
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {name, sizeof name};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) <= 0) return -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

static void console_ready(struct source *source, uint32_t events) {
  (void)events;
  int connection = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC);
  if (connection < 0) return;
  int fd = receive_descriptor(connection);
  close(connection);
  if (fd < 0) return;
  console_close();
  stdio_set_terminal(fd);
}

bool console_listen(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONSOLE_NAME};
  unlink(CONSOLE_NAME);
  listener = (struct source){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), .ready = console_ready};
  if (listener.fd < 0 || bind(listener.fd, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(listener.fd, 1) != 0)
    return false;
  source_watch(&listener, EPOLLIN);
  return true;
}

void console_close(void) {
  if (listener.fd < 0) return;
  source_close(&listener);
  unlink(CONSOLE_NAME);
}

const char *console_path(void) {
  static char path[64];
  snprintf(path, sizeof path, "/proc/%d/cwd/" CONSOLE_NAME, getpid());
  return path;
}
