/*
 * Network namespaces and netlink. The thread of a request may leave the engine's namespace for good, since it ends
 * with the request; a socket stays in the namespace in which it was made.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "launcher.h"

/* Replies to netlink requests come at once; this only keeps a thread from waiting for one that never comes. */
#define NETLINK_TIMEOUT_S 10

bool enter_netns(struct request *request, const char *path) {
  if (!path) return true;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool entered = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
  if (!entered) fail(request, errno, "entering the network namespace %s", path);
  if (fd >= 0) close(fd);
  return entered;
}

static int bring_loopback_up(void) {
  struct ifreq interface = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int result = ioctl(fd, SIOCSIFFLAGS, &interface);
  close(fd);
  return result;
}

void handle_create_netns(struct request *request) {
  char *path = read_text(request);
  if (request->malformed) return;
  int fd = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
  if (fd < 0) return fail(request, errno, "creating the file");
  close(fd);
  if (unshare(CLONE_NEWNET)) fail(request, errno, "unshare");
  else if (bring_loopback_up()) fail(request, errno, "bringing lo up");
  else if (mount("/proc/thread-self/ns/net", path, NULL, MS_BIND, NULL)) fail(request, errno, "pinning it");
  else return;
  unlink(path);
}

void handle_delete_netns(struct request *request) {
  char *path = read_text(request);
  if (request->malformed) return;
  if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) && errno != EINVAL && errno != ENOENT)
    return fail(request, errno, "umount");
  if (unlink(path) && errno != ENOENT) fail(request, errno, "removing the file");
}

/* Gives the last message of a well-formed batch, else NULL. */
static struct nlmsghdr *last_message(uint8_t *messages, size_t length) {
  struct nlmsghdr *last = NULL;
  for (size_t at = 0; at < length; at += NLMSG_ALIGN(last->nlmsg_len)) {
    last = (struct nlmsghdr *)(messages + at);
    if (length - at < sizeof *last || last->nlmsg_len < sizeof *last || last->nlmsg_len > length - at) return NULL;
  }
  return last;
}

static int open_netlink(uint32_t protocol) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, (int)protocol);
  if (fd < 0) return -1;
  static const int on = 1, space = 1 << 20;
  struct timeval timeout = {.tv_sec = NETLINK_TIMEOUT_S};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &space, sizeof space);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &space, sizeof space);
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  return fd;
}

/* Whether a datagram of replies holds the one that ends the request `sequence`. */
static bool ends_request(uint8_t *datagram, size_t length, uint32_t sequence) {
  for (size_t at = 0; length - at >= sizeof(struct nlmsghdr);) {
    struct nlmsghdr *reply = (struct nlmsghdr *)(datagram + at);
    bool ends = reply->nlmsg_type == NLMSG_ERROR || reply->nlmsg_type == NLMSG_DONE;
    if (ends && reply->nlmsg_seq == sequence) return true;
    if (reply->nlmsg_len < sizeof *reply || NLMSG_ALIGN(reply->nlmsg_len) > length - at) return false;
    at += NLMSG_ALIGN(reply->nlmsg_len);
  }
  return false;
}

static void exchange(struct request *request, int fd, const uint8_t *messages, size_t length, uint32_t sequence) {
  const size_t space = 64 << 10;
  if (send(fd, messages, length, 0) < 0) return fail(request, errno, "sending");
  uint8_t *datagram = grow(NULL, space);
  ssize_t received;
  do {
    received = recv(fd, datagram, space, 0);
    if (received > 0) reply_raw(request, datagram, (size_t)received);
  } while (received >= 0 && request->reply_length <= LAUNCHER_MAX_PAYLOAD &&
           !ends_request(datagram, (size_t)received, sequence));
  if (received < 0) fail(request, errno == EAGAIN ? ETIMEDOUT : errno, "waiting for the replies");
  free(datagram);
}

void handle_netlink(struct request *request) {
  size_t length;
  char *netns = read_optional_text(request);
  uint32_t protocol = read_u32(request);
  uint8_t *bytes = read_bytes(request, &length);
  char *passed_path = read_optional_text(request);
  uint32_t offset = read_u32(request);
  if (passed_path && (length < sizeof(int) || offset > length - sizeof(int))) request->malformed = true;
  if (request->malformed || !bytes) return;

  uint8_t *messages = grow(NULL, length + 1); /* a copy is aligned */
  memcpy(messages, bytes, length);
  int passed = passed_path ? open(passed_path, O_RDONLY | O_CLOEXEC) : -1, fd = -1;
  if (passed >= 0) memcpy(messages + offset, &passed, sizeof passed);
  struct nlmsghdr *last = last_message(messages, length);
  if (!last || !(last->nlmsg_flags & NLM_F_ACK)) fail(request, EINVAL, "no last message that is acked");
  else if (passed_path && passed < 0) fail(request, errno, "opening %s", passed_path);
  else if (enter_netns(request, netns)) {
    if ((fd = open_netlink(protocol)) < 0) fail(request, errno, "a netlink socket");
    else exchange(request, fd, messages, length, last->nlmsg_seq);
  }
  if (fd >= 0) close(fd);
  if (passed >= 0) close(passed);
  free(messages);
}
