/* Tar: ustar, with a PAX header for what that cannot say. The bytes are those of src/archive/tar-writer.ts. */
#include "tree.h"

#include <sys/sysmacros.h>

#define BLOCK 512
static const off_t max_octal_11 = 077777777777;
static const unsigned max_octal_7 = 07777777;
static const char zeros[2 * BLOCK];

/* "LENGTH key=value\n", the length with its own digits. */
void tar_record(struct buffer *records, const char *key, const void *value, size_t length) {
  char digits[24];
  size_t rest = strlen(key) + length + 3, total = rest + 1;
  while (rest + (size_t)snprintf(digits, sizeof digits, "%zu", total) != total) total = rest + strlen(digits);
  buffer_append(records, digits, strlen(digits));
  buffer_append(records, " ", 1);
  buffer_append(records, key, strlen(key));
  buffer_append(records, "=", 1);
  buffer_append(records, value, length);
  buffer_append(records, "\n", 1);
}

static void number_record(struct buffer *records, const char *key, off_t value, off_t limit) {
  char digits[24];
  if (value > limit) tar_record(records, key, digits, (size_t)snprintf(digits, sizeof digits, "%jd", (intmax_t)value));
}

/* A time before 1970 counts its fraction away from zero in decimals, but up in a timespec. */
static void time_record(struct buffer *records, struct timespec time) {
  char text[48];
  if (time.tv_nsec == 0 && time.tv_sec >= 0 && time.tv_sec <= max_octal_11) return;
  bool negative = time.tv_sec < 0;
  intmax_t seconds = time.tv_sec;
  long fraction = time.tv_nsec;
  if (negative && fraction > 0) {
    seconds++;
    fraction = 1000000000 - fraction;
  }
  int length = snprintf(text, sizeof text, "%s%jd", negative ? "-" : "", seconds < 0 ? -seconds : seconds);
  if (fraction > 0) {
    length += snprintf(text + length, sizeof text - (size_t)length, ".%09ld", fraction);
    while (text[length - 1] == '0') length--;
  }
  tar_record(records, "mtime", text, (size_t)length);
}

static void octal(char *field, int digits, uint64_t value) {
  if (value >> (3 * digits)) value = 0;
  for (int i = digits; i-- > 0; value >>= 3) field[i] = (char)('0' + (value & 7));
}

static void header_block(char type, const char *name, const char *link, const struct stat *stat) {
  char block[BLOCK] = {0};
  bool device = type == '3' || type == '4';
  memcpy(block, name, strnlen(name, 100));
  octal(block + 100, 7, stat->st_mode & 07777);
  octal(block + 108, 7, stat->st_uid);
  octal(block + 116, 7, stat->st_gid);
  octal(block + 124, 11, type == '0' || type == 'x' ? (uint64_t)stat->st_size : 0);
  octal(block + 136, 11, stat->st_mtim.tv_sec < 0 ? 0 : (uint64_t)stat->st_mtim.tv_sec);
  memset(block + 148, ' ', 8);
  block[156] = type;
  memcpy(block + 157, link, strnlen(link, 100));
  memcpy(block + 257, "ustar\00000", 8);
  octal(block + 329, 7, device ? major(stat->st_rdev) : 0);
  octal(block + 337, 7, device ? minor(stat->st_rdev) : 0);
  uint64_t sum = 0;
  for (int i = 0; i < BLOCK; i++) sum += (unsigned char)block[i];
  octal(block + 148, 6, sum);
  block[154] = 0;
  output(block, sizeof block);
}

void tar_header(char type, const char *name, const char *link, const struct stat *stat, const struct buffer *xattrs) {
  struct buffer records = {0};
  if (strlen(name) > 100) tar_record(&records, "path", name, strlen(name));
  if (strlen(link) > 100) tar_record(&records, "linkpath", link, strlen(link));
  number_record(&records, "uid", stat->st_uid, max_octal_7);
  number_record(&records, "gid", stat->st_gid, max_octal_7);
  if (type == '0') number_record(&records, "size", stat->st_size, max_octal_11);
  time_record(&records, stat->st_mtim);
  if (xattrs) buffer_append(&records, xattrs->bytes, xattrs->length);
  if (records.length > 0) {
    struct stat plain = {.st_mode = 0644, .st_size = (off_t)records.length};
    header_block('x', "PaxHeaders/entry", "", &plain);
    output(records.bytes, records.length);
    tar_padding((off_t)records.length);
  }
  header_block(type, name, link, stat);
  buffer_clear(&records);
}

void tar_padding(off_t size) {
  output(zeros, (size_t)(-size & (BLOCK - 1)));
}

void tar_end(void) {
  output(zeros, sizeof zeros);
}
