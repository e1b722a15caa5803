/*
 * Where a tar goes: standard output, or a client's socket (non-blocking, for the engine has it too) in chunks as HTTP has
 * them (RFC 9112, section 7.1). Small pieces are gathered, large files go from file to pipe or socket inside the kernel.
 */
#include "tree.h"

#include <sys/sendfile.h>
#include <sys/uio.h>

#define CLIENT 3
/* Bytes on their way in a unix socket: enough that neither side often waits for the other to wake up. */
#define ON_THE_WAY (2 << 20)
/* Bytes after which somebody who counts is told again. */
#define WORTH_TELLING (4 << 20)

static char gathered[256 << 10];
static size_t filled;
static size_t told; /* how much of it is told on standard output before anything goes out */
static int out = STDOUT_FILENO;
static bool counting;
static uint64_t sent, counted; /* bytes of the tar, and how many of them were told */

void output_for_client(void) {
  told = filled;
}

static void turn_to_client(void) {
  const int size = ON_THE_WAY;
  int domain = 0;
  signal(SIGPIPE, SIG_IGN);
  out = CLIENT;
  if (getsockopt(CLIENT, SOL_SOCKET, SO_DOMAIN, &domain, &(socklen_t){sizeof domain}) || domain != AF_UNIX) return;
  if (setsockopt(CLIENT, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
    setsockopt(CLIENT, SOL_SOCKET, SO_SNDBUF, &size, sizeof size); /* as much of it as anybody may */
}

void output_to_client(void) {
  turn_to_client();
  counting = true;
}

static void count_sent(uint64_t length, bool last) {
  sent += length;
  if (!counting || (sent - counted < WORTH_TELLING && !last)) return;
  counted = sent;
  if (dprintf(STDOUT_FILENO, "%ju\n", (uintmax_t)sent) < 0) fail(errno, "counting");
}

/* Whether it is worth another try, once there is room in the socket. */
static bool wait_for_room(void) {
  struct pollfd client = {.fd = out, .events = POLLOUT};
  return errno == EINTR || (errno == EAGAIN && poll(&client, 1, -1) >= 0);
}

static void write_all(const char *bytes, size_t length) {
  for (ssize_t written; length > 0; bytes += written, length -= (size_t)written)
    if ((written = write(out, bytes, length)) < 0 && (written = 0, !wait_for_room())) fail(errno, "writing");
}

static void begin_chunk(uint64_t length) {
  char line[24];
  if (out == CLIENT) write_all(line, (size_t)sprintf(line, "%jx\r\n", (uintmax_t)length));
}

static void end_chunk(void) {
  if (out == CLIENT) write_all("\r\n", 2);
}

/* A piece of a chunk, or on standard output of the tar. */
static void flush_piece(void) {
  write_all(gathered, filled);
  count_sent(filled, false);
  filled = 0;
}

static void await_client(void) {
  char byte;
  write_all(gathered, told);
  memmove(gathered, gathered + told, filled -= told);
  told = 0;
  if (read(STDIN_FILENO, &byte, 1) != 1) return;
  turn_to_client();
}

void output_flush(void) {
  if (told > 0) await_client();
  if (filled == 0) return; /* an empty chunk would be the last one */
  begin_chunk(filled);
  flush_piece();
  end_chunk();
}

void output_end(void) {
  output_flush();
  if (counting) write_all("0\r\n\r\n", 5);
  count_sent(0, true);
}

void output(const void *bytes, size_t length) {
  for (size_t count; length > 0; bytes = (const char *)bytes + count, length -= count) {
    if (filled == sizeof gathered) output_flush();
    count = length < sizeof gathered - filled ? length : sizeof gathered - filled;
    memcpy(gathered + filled, bytes, count);
    filled += count;
  }
}

/* A file that fits beside what is gathered; gives how much of it there was. */
static off_t gather_file(int fd, size_t length) {
  size_t count = 0;
  if (length > sizeof gathered - filled) output_flush();
  for (ssize_t got; count < length; count += (size_t)got) {
    if ((got = read(fd, gathered + filled + count, length - count)) < 0) fail(errno, "copying %s", path_text());
    if (got == 0) break;
  }
  filled += count;
  return (off_t)count;
}

/* A large one; gives how much of it there was. */
static off_t send_file(int fd, off_t length) {
  off_t left = length;
  for (bool send = true; left > 0;) {
    ssize_t count = send ? sendfile(out, fd, NULL, (size_t)(left < 1 << 30 ? left : 1 << 30))
                         : read(fd, gathered, left < (off_t)sizeof gathered ? (size_t)left : sizeof gathered);
    if (count < 0 && send && (errno == EINVAL || errno == ENOSYS)) send = false; /* what the kernel does not send by itself */
    else if (count < 0 && !(send && wait_for_room())) fail(errno, "copying %s", path_text());
    else if (count == 0) break;
    else if (count > 0 && !send) filled = (size_t)count, flush_piece();
    if (count > 0) left -= count;
    if (count > 0 && send) count_sent((uint64_t)count, false);
  }
  return length - left;
}

static void write_zeros(off_t length) {
  static const char zeros[64 << 10];
  for (off_t piece; length > 0; length -= piece) {
    write_all(zeros, (size_t)(piece = length < (off_t)sizeof zeros ? length : (off_t)sizeof zeros));
    count_sent((uint64_t)piece, false);
  }
}

bool output_file(int fd, off_t length) {
  if (length <= (off_t)(sizeof gathered / 4)) {
    off_t count = gather_file(fd, (size_t)length);
    memset(gathered + filled, 0, (size_t)(length - count));
    filled += (size_t)(length - count);
    return count == length;
  }
  output_flush();
  begin_chunk((uint64_t)length);
  off_t missing = length - send_file(fd, length);
  write_zeros(missing);
  end_chunk();
  return missing == 0;
}
