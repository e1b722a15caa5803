/* Reading the fields of a request and writing those of a reply. Everything read is checked against the payload's end. */
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher.h"

#define FRAME_START (LAUNCHER_HEADER_SIZE + sizeof(int32_t))

uint32_t read_u32(struct request *request) {
  uint32_t value = 0;
  if (request->malformed || (size_t)(request->end - request->at) < sizeof value) {
    request->malformed = true;
    return 0;
  }
  memcpy(&value, request->at, sizeof value);
  request->at += sizeof value;
  return le32toh(value);
}

uint8_t *read_bytes(struct request *request, size_t *length) {
  *length = 0;
  uint32_t size = read_u32(request);
  if (request->malformed || size == LAUNCHER_ABSENT) return NULL;
  if (size > (size_t)(request->end - request->at)) {
    request->malformed = true;
    return NULL;
  }
  /* Moved over its own length field, it has room for a NUL. */
  uint8_t *bytes = request->at - sizeof size;
  memmove(bytes, request->at, size);
  bytes[size] = 0;
  request->at += size;
  *length = size;
  return bytes;
}

char *read_optional_text(struct request *request) {
  size_t length;
  char *text = (char *)read_bytes(request, &length);
  if (text && memchr(text, 0, length)) request->malformed = true;
  return text;
}

char *read_text(struct request *request) {
  static char empty[1];
  char *text = read_optional_text(request);
  if (text && *text) return text;
  request->malformed = true;
  return empty;
}

char **read_texts(struct request *request) {
  uint32_t count = read_u32(request);
  if (count > (size_t)(request->end - request->at) / sizeof(uint32_t)) request->malformed = true;
  if (request->malformed) count = 0;
  char **texts = grow(NULL, (count + 1) * sizeof *texts);
  for (uint32_t i = 0; i < count; i++) {
    texts[i] = read_optional_text(request);
    if (!texts[i]) request->malformed = true;
  }
  texts[count] = NULL;
  return texts;
}

void reply_raw(struct request *request, const void *bytes, size_t length) {
  size_t needed = request->reply_length + length;
  if (needed > request->reply_capacity) {
    request->reply_capacity = needed < 256 ? 256 : needed * 2;
    request->reply = grow(request->reply, request->reply_capacity);
  }
  if (length) memcpy(request->reply + request->reply_length, bytes, length);
  request->reply_length = needed;
}

void reply_u32(struct request *request, uint32_t value) {
  value = htole32(value);
  reply_raw(request, &value, sizeof value);
}

void reply_bytes(struct request *request, const void *bytes, size_t length) {
  reply_u32(request, (uint32_t)length);
  reply_raw(request, bytes, length);
}

void reply_start(struct request *request, int error) {
  static const uint8_t header[LAUNCHER_HEADER_SIZE];
  request->reply_length = 0;
  reply_raw(request, header, sizeof header);
  reply_u32(request, (uint32_t)error);
}

void reply_error(struct request *request, int error) {
  const char *name = strerrorname_np(error);
  reply_start(request, error);
  reply_bytes(request, name, name ? strlen(name) : 0);
}

void fail(struct request *request, int error, const char *format, ...) {
  char text[4096], reason[128];
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0) length = 0;
  reply_error(request, error);
  reply_raw(request, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
  reply_raw(request, ": ", 2);
  const char *description = strerror_r(error, reason, sizeof reason);
  reply_raw(request, description, strlen(description));
}

void reply_seal(struct request *request) {
  if (request->reply_length - LAUNCHER_HEADER_SIZE > LAUNCHER_MAX_PAYLOAD) fail(request, EMSGSIZE, "the reply");
  uint16_t version = htole16(LAUNCHER_VERSION), op = htole16(request->op);
  uint32_t id = htole32(request->id), length = htole32((uint32_t)(request->reply_length - LAUNCHER_HEADER_SIZE));
  memcpy(request->reply, &version, sizeof version);
  memcpy(request->reply + 2, &op, sizeof op);
  memcpy(request->reply + 4, &id, sizeof id);
  memcpy(request->reply + 8, &length, sizeof length);
}

void request_free(struct request *request) {
  free(request->payload);
  free(request->reply);
  free(request);
}
