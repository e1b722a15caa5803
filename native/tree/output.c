/* Standard output: small pieces are gathered, large files go from file to pipe inside the kernel. */
#include "tree.h"

#include <sys/sendfile.h>

static char gathered[256 << 10];
static size_t filled;

static void write_all(const char *bytes, size_t length) {
  for (ssize_t written; length > 0; bytes += written, length -= (size_t)written)
    if ((written = write(STDOUT_FILENO, bytes, length)) < 0) fail(errno, "writing");
}

void output_flush(void) {
  write_all(gathered, filled);
  filled = 0;
}

void output(const void *bytes, size_t length) {
  if (length > sizeof gathered - filled) output_flush();
  if (length > sizeof gathered) return write_all(bytes, length);
  memcpy(gathered + filled, bytes, length);
  filled += length;
}

static void output_zeros(off_t length) {
  static const char zeros[64 << 10];
  for (off_t piece; length > 0; length -= piece)
    output(zeros, (size_t)(piece = length < (off_t)sizeof zeros ? length : (off_t)sizeof zeros));
}

/* For what the kernel does not send by itself. */
static off_t copy_piece(int fd, off_t length) {
  if (filled == sizeof gathered) output_flush();
  size_t room = sizeof gathered - filled;
  ssize_t count = read(fd, gathered + filled, length < (off_t)room ? (size_t)length : room);
  if (count > 0) filled += (size_t)count;
  return count;
}

void output_file(int fd, off_t length) {
  bool send = length > (off_t)(sizeof gathered / 4);
  if (send) output_flush();
  while (length > 0) {
    off_t count = send ? sendfile(STDOUT_FILENO, fd, NULL, (size_t)(length < 1 << 30 ? length : 1 << 30))
                       : copy_piece(fd, length);
    if (count < 0 && send && (errno == EINVAL || errno == ENOSYS)) send = false;
    else if (count < 0) fail(errno, "copying /%s", path.bytes);
    else if (count == 0) break;
    else length -= count;
  }
  output_zeros(length);
}
