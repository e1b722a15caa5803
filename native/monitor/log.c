/*
 * Docker's json-file log. A line is {"log":"...","stream":"stdout","time":"..."}; lines of the container that are
 * longer than 16 KiB are split, and only the last part's text ends in a newline.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "monitor.h"

#define LINE_SIZE (16u << 10)
/* What a line needs beside its text and attributes. */
#define LINE_FRAME 128

struct line {
  char bytes[LINE_SIZE];
  size_t length;
  int64_t time; /* of the first part of a split line; 0 = at the start of a line */
};

static struct line lines[2];
static char pending[256 << 10] __attribute__((aligned(4096)));
static size_t pending_length, attributes_length;
static int64_t last_time;

bool log_open(void) {
  if (options.log_path == NULL) return true;
  attributes_length = options.log_attributes == NULL ? 0 : strlen(options.log_attributes);
  return log_file_open();
}

/* Whether any of the eight bytes of `word` is a control byte, not ASCII, or one of " \ < > &. */
static bool needs_escape(uint64_t word) {
  const uint64_t ones = 0x0101010101010101, high = ones * 0x80;
  uint64_t angle = (word | ones * 2) ^ ones * '>';     /* '<' is '>' without bit 1 */
  uint64_t quote = (word | ones * 4) ^ ones * '&';     /* '"' is '&' without bit 2 */
  uint64_t backslash = word ^ ones * '\\';
  return ((word | (word - ones * 0x20) | (angle - ones) | (quote - ones) | (backslash - ones)) & high) != 0;
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

static char *put(char *out, const void *text, size_t length) {
  memcpy(out, text, length);
  return out + length;
}

static char *escape_ascii(char *out, unsigned char byte) {
  static const char digits[] = "0123456789abcdef";
  *out++ = '\\';
  switch (byte) {
    case '"':
    case '\\':
      *out++ = (char)byte;
      return out;
    case '\n':
      *out++ = 'n';
      return out;
    case '\r':
      *out++ = 'r';
      return out;
  }
  out = put(out, "u00", 3);
  *out++ = digits[byte >> 4];
  *out++ = digits[byte & 15];
  return out;
}

static char *escape_sequence(char *out, const unsigned char *in, size_t left, size_t *used) {
  size_t length = sequence_length(in, left);
  *used = length == 0 ? 1 : length;
  if (length == 0) return put(out, "\\ufffd", 6);
  if (length == 3 && in[0] == 0xe2 && in[1] == 0x80 && (in[2] & 0xfe) == 0xa8)
    return put(out, in[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
  return put(out, in, length);
}

/* JSON text of a Go string: at most six bytes for each one. `out` may be written eight bytes past the result. */
static char *escape(char *out, const unsigned char *in, size_t left) {
  while (left > 0) {
    uint64_t word;
    for (; left >= sizeof word; in += sizeof word, out += sizeof word, left -= sizeof word) {
      memcpy(&word, in, sizeof word);
      if (needs_escape(word)) break;
      memcpy(out, &word, sizeof word);
    }
    for (size_t stop = left > sizeof word ? left - sizeof word : 0; left > stop;) {
      size_t used = 1;
      if (*in >= 0x80) out = escape_sequence(out, in, left, &used);
      else if (*in < 0x20 || *in == '"' || *in == '\\' || *in == '<' || *in == '>' || *in == '&')
        out = escape_ascii(out, *in);
      else *out++ = (char)*in;
      in += used;
      left -= used;
    }
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
  char fraction[10] = ".";
  for (int i = 9; i > 0; i--, nanoseconds /= 10) fraction[i] = (char)('0' + nanoseconds % 10);
  size_t length = sizeof fraction;
  while (fraction[length - 1] == '0') length--;
  if (length > 1) out = put(out, fraction, length);
  *out++ = 'Z';
  return out;
}

static void flush(void) {
  size_t taken = log_file_write(pending, pending_length);
  if (taken == 0) return;
  memmove(pending, pending + taken, pending_length - taken);
  pending_length -= taken;
}

/* No two lines have the same time, so that a reader can go on after the last one it saw. */
static int64_t line_time(struct line *line, bool whole) {
  int64_t time = line->time;
  if (time == 0) {
    time = now(CLOCK_REALTIME);
    if (time <= last_time) time = last_time + 1;
    last_time = time;
  }
  line->time = whole ? 0 : time;
  return time;
}

static void emit(unsigned stream, const char *bytes, size_t length) {
  size_t room = length * 6 + LINE_FRAME + attributes_length;
  int64_t time = line_time(&lines[stream - 1], bytes[length - 1] == '\n');
  if (sizeof pending - pending_length < room) flush();
  if (sizeof pending - pending_length < room) return log_file_drop(1);
  char *out = put(pending + pending_length, "{\"log\":\"", 8);
  out = escape(out, (const unsigned char *)bytes, length);
  out = put(out, stream == 1 ? "\",\"stream\":\"stdout\"" : "\",\"stream\":\"stderr\"", 19);
  if (attributes_length > 0) {
    out = put(out, ",\"attrs\":", 9);
    out = put(out, options.log_attributes, attributes_length);
  }
  out = put(out, ",\"time\":\"", 9);
  out = put_time(out, time);
  out = put(out, "\"}\n", 3);
  pending_length = (size_t)(out - pending);
}

void log_write(unsigned stream, const char *bytes, size_t length) {
  if (options.log_path == NULL) return;
  struct line *line = &lines[stream - 1];
  while (length > 0) {
    const char *newline = memchr(bytes, '\n', length);
    size_t part = newline == NULL ? length : (size_t)(newline - bytes) + 1;
    if (line->length == 0 && newline != NULL && part <= LINE_SIZE) {
      emit(stream, bytes, part);
    } else {
      if (part > LINE_SIZE - line->length) part = LINE_SIZE - line->length;
      memcpy(line->bytes + line->length, bytes, part);
      line->length += part;
      if (line->length == LINE_SIZE || bytes[part - 1] == '\n') {
        emit(stream, line->bytes, line->length);
        line->length = 0;
      }
    }
    bytes += part;
    length -= part;
  }
  flush();
}

void log_finish(void) {
  if (options.log_path == NULL) return;
  for (unsigned stream = 1; stream <= 2; stream++) {
    struct line *line = &lines[stream - 1];
    if (line->length > 0) emit(stream, line->bytes, line->length);
    line->length = 0;
  }
  flush();
  for (const char *line = pending; pending_length > 0 && line < pending + pending_length; line++)
    if (*line == '\n') log_file_drop(1);
  pending_length = 0;
  log_file_finish();
}

bool log_retry(bool due) {
  if (due && pending_length > 0) flush();
  return pending_length > 0;
}

void log_release(void) {
  if (pending_length == 0) madvise(pending, sizeof pending, MADV_DONTNEED);
}
