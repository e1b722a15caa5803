/*
 * The content of large files, straight from the client's socket (non-blocking, for the engine has it too). The body of the
 * request may be in chunks (RFC 9112, section 7.1): their plain lines are passed over here; whatever looks otherwise, and
 * what was read beyond the file, goes back to the engine.
 */
#include "tree.h"

#include <sys/uio.h>

#define CLIENT 3
#define PIECES 64
/* CRLF, up to 13 digits, CRLF. */
#define LONGEST_LINE 17

static char input[256 << 10];
static size_t at, end;

/* Reads on, behind what is left of the input; false at the end of the connection. */
static bool read_on(uint64_t wanted) {
  memmove(input, input + at, end - at);
  end -= at;
  at = 0;
  size_t room = sizeof input - end;
  if (wanted + 2 * LONGEST_LINE < room) room = (size_t)wanted + 2 * LONGEST_LINE;
  for (;;) {
    ssize_t count = recv(CLIENT, input + end, room, 0);
    struct pollfd client = {.fd = CLIENT, .events = POLLIN};
    if (count < 0 && (errno == EINTR || (errno == EAGAIN && poll(&client, 1, -1) >= 0))) continue;
    if (count > 0) end += (size_t)count;
    return count > 0;
  }
}

/* The line between two chunks: its length, and the size of the chunk after it; 0 = not all of it has come, -1 = not plain. */
static int chunk_line(uint64_t *size) {
  static const char digits[] = "0123456789abcdefABCDEF", before[] = "\r\n";
  const char *line = input + at, *digit;
  int length = end - at < LONGEST_LINE ? (int)(end - at) : LONGEST_LINE, i = 2;
  uint64_t number = 0;
  if (memcmp(line, before, length < 2 ? (size_t)length : 2)) return -1;
  for (; i < length && line[i] && (digit = strchr(digits, line[i])); i++)
    number = number * 16 + (uint64_t)(digit - digits > 15 ? digit - digits - 6 : digit - digits);
  if (i >= length) return length == LONGEST_LINE ? -1 : 0;
  if (line[i] != '\r' || number == 0) return -1; /* 0 is the last one */
  if (i + 1 == length) return length == LONGEST_LINE ? -1 : 0;
  if (line[i + 1] != '\n') return -1;
  *size = number;
  return i + 2;
}

/* Gathers what the input has of at most `wanted` bytes; gives how many, and whether more of them can be read. */
static size_t gather(struct iovec pieces[PIECES], int *count, uint64_t wanted, uint64_t *left, bool *more) {
  size_t gathered = 0;
  *more = true;
  for (*count = 0; *count < PIECES && gathered < wanted;) {
    if (*left == 0) {
      int line = chunk_line(left);
      *more = line >= 0;
      if (line <= 0) break;
      at += (size_t)line;
    }
    uint64_t most = *left < wanted - gathered ? *left : wanted - gathered;
    size_t length = end - at < most ? end - at : (size_t)most;
    if (length == 0) break;
    pieces[(*count)++] = (struct iovec){input + at, length};
    at += length;
    *left -= length;
    gathered += length;
  }
  return gathered;
}

static void write_pieces(int fd, struct iovec *piece, int count, const char *name) {
  while (count > 0) {
    ssize_t written = writev(fd, piece, count);
    if (written < 0) fail(errno, "writing %s", name);
    for (; count > 0 && (size_t)written >= piece->iov_len; piece++, count--) written -= (ssize_t)piece->iov_len;
    if (count > 0) *piece = (struct iovec){(char *)piece->iov_base + written, piece->iov_len - (size_t)written};
  }
}

uint64_t receive(int fd, const struct tree_piece *wanted, const char *name) {
  struct tree_received received = {.left = wanted->left};
  struct iovec pieces[PIECES];
  bool more = true;
  int count;
  at = end = 0;
  while (more && received.length < wanted->length) {
    size_t length = gather(pieces, &count, wanted->length - received.length, &received.left, &more);
    write_pieces(fd, pieces, count, name);
    received.length += length;
    if (length == 0) more = more && read_on(wanted->length - received.length);
  }
  received.spare = end - at;
  output(&received, sizeof received);
  output(input + at, received.spare);
  output_flush();
  return received.length;
}
