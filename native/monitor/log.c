/*
 * Docker's json-file log. A line is {"log":"...","stream":"stdout","time":"..."}; lines of the container that are
 * longer than 16 KiB are split, and only the last part's text ends in a newline.
 */
#include "monitor.h"

#define LINE_SIZE (16u << 10)
/* What a line needs beside its text and attributes. */
#define LINE_FRAME 128

static struct line {
  char bytes[LINE_SIZE]; /* the unfinished line */
  size_t length;
  int64_t time; /* of the first part of a split line; 0 = at the start of a line */
} lines[2];

static char pending[256 << 10] __attribute__((aligned(4096)));
static size_t pending_length;
static const char *attributes;
static bool is_open;

bool log_open(void) {
  attributes = option("log-attributes");
  is_open = option("log") != NULL;
  return !is_open || log_file_open();
}

static char *put(char *out, const void *text, size_t length) {
  memcpy(out, text, length);
  return out + length;
}

/* Length of the valid UTF-8 sequence at `in`, 0 if there is none (RFC 3629). */
static size_t sequence_length(const unsigned char *in, size_t left) {
  size_t length = in[0] >= 0xf0 ? 4 : in[0] >= 0xe0 ? 3 : 2;
  if (in[0] < 0xc2 || in[0] > 0xf4 || left < length) return 0;
  for (size_t i = 1; i < length; i++)
    if ((in[i] & 0xc0) != 0x80) return 0;
  if ((in[0] == 0xe0 && in[1] < 0xa0) || (in[0] == 0xed && in[1] > 0x9f)) return 0;
  if ((in[0] == 0xf0 && in[1] < 0x90) || (in[0] == 0xf4 && in[1] > 0x8f)) return 0;
  return length;
}

/* What becomes of a byte: 0 = it stays, 1 = it begins a sequence of UTF-8, u = \u00XX, else it follows a backslash. */
static const char escapes[256] = {
    [0 ... 9] = 'u', ['\n'] = 'n', [11 ... 12] = 'u', ['\r'] = 'r', [14 ... 31] = 'u', ['"'] = '"',
    ['\\'] = '\\',  ['<'] = 'u',  ['>'] = 'u',       ['&'] = 'u',  [128 ... 255] = 1,
};

static char *escape_one(char *out, const unsigned char *in, size_t left, size_t *used) {
  static const char digits[] = "0123456789abcdef";
  size_t length = escapes[*in] == 1 ? sequence_length(in, left) : 1;
  *used = length ? length : 1;
  if (length == 0) return put(out, "\\ufffd", 6);
  if (length == 3 && !memcmp(in, "\u2028", 3)) return put(out, "\\u2028", 6);
  if (length == 3 && !memcmp(in, "\u2029", 3)) return put(out, "\\u2029", 6);
  if (length > 1) return put(out, in, length);
  *out++ = '\\';
  *out++ = escapes[*in];
  return escapes[*in] == 'u' ? put(out, (char[]){'0', '0', digits[*in >> 4], digits[*in & 15]}, 4) : out;
}

/* JSON text of a Go string: at most six bytes for each one. */
static char *escape(char *out, const unsigned char *in, size_t left) {
  for (size_t used; left > 0; in += used, left -= used) {
    size_t plain = 0;
    while (plain < left && !escapes[in[plain]]) plain++;
    out = put(out, in, plain);
    used = 0;
    if (plain < left) out = escape_one(out, in + plain, left - plain, &used);
    used += plain;
  }
  return out;
}

/* RFC 3339 with nanoseconds as Go prints it: trailing zeros of the fraction are cut. */
static char *put_time(char *out, int64_t time) {
  static time_t cached = -1;
  static char text[sizeof "2026-01-02T15:04:05"];
  time_t second = time / 1000000000;
  if (second != cached) {
    struct tm parts;
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&second, &parts));
    cached = second;
  }
  out = put(out, text, sizeof text - 1);
  unsigned nanoseconds = (unsigned)(time % 1000000000);
  for (int i = 9; i > 0; i--, nanoseconds /= 10) out[i] = (char)('0' + nanoseconds % 10);
  out[0] = '.';
  size_t length = 10;
  while (out[length - 1] == '0') length--;
  return put(out + (length == 1 ? 0 : length), "Z", 1);
}

/* The time of a line, which is that of its first part; no two lines have the same. */
static int64_t line_time(struct line *line, bool whole) {
  static int64_t last;
  int64_t time = line->time;
  if (time == 0) {
    time = now(CLOCK_REALTIME);
    if (time <= last) time = last + 1;
    last = time;
  }
  line->time = whole ? 0 : time;
  return time;
}

static void flush(void) {
  size_t written = log_file_write(pending, pending_length);
  pending_length -= written;
  memmove(pending, pending + written, pending_length);
}

/* Writes what there is of a line. */
static void emit(unsigned stream) {
  struct line *line = &lines[stream - 1];
  size_t length = line->length, attributes_length = attributes ? strlen(attributes) : 0;
  line->length = 0;
  if (length == 0) return;
  size_t room = length * 6 + LINE_FRAME + attributes_length;
  int64_t time = line_time(line, line->bytes[length - 1] == '\n');
  if (sizeof pending - pending_length < room) flush();
  if (sizeof pending - pending_length < room) return log_file_drop("\n", 1);
  char *out = put(pending + pending_length, "{\"log\":\"", 8);
  out = escape(out, (const unsigned char *)line->bytes, length);
  out = put(out, stream == 1 ? "\",\"stream\":\"stdout\"" : "\",\"stream\":\"stderr\"", 19);
  if (attributes) out = put(put(out, ",\"attrs\":", 9), attributes, attributes_length);
  out = put_time(put(out, ",\"time\":\"", 9), time);
  out = put(out, "\"}\n", 3);
  pending_length = (size_t)(out - pending);
}

void log_write(unsigned stream, const char *bytes, size_t length) {
  struct line *line = &lines[stream - 1];
  if (!is_open) return;
  for (size_t part; length > 0; bytes += part, length -= part) {
    const char *newline = memchr(bytes, '\n', length);
    size_t room = LINE_SIZE - line->length;
    part = newline ? (size_t)(newline - bytes) + 1 : length;
    if (part > room) part = room;
    memcpy(line->bytes + line->length, bytes, part);
    line->length += part;
    if (part == room || bytes[part - 1] == '\n') emit(stream);
  }
  log_retry(true);
}

void log_finish(void) {
  if (!is_open) return;
  emit(1);
  emit(2);
  log_file_finish(pending, pending_length);
  pending_length = 0;
  is_open = false;
}

bool log_retry(bool due) {
  if (due && pending_length > 0) flush();
  return pending_length > 0;
}

void log_release(void) {
  if (pending_length == 0) madvise(pending, sizeof pending, MADV_DONTNEED);
}
