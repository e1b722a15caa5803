#include "tree.h"

#include <dirent.h>

struct buffer path;

/* What the first `top_length` bytes of the path are called in messages. */
static const char *top = "/";
static size_t top_length;

void path_begin(const char *name, const char *called) {
  path_push(name);
  top = called;
  top_length = path.length;
}

const char *path_text(void) {
  static char text[2 * PATH_MAX];
  snprintf(text, sizeof text, "%s%s", top, path.bytes ? path.bytes + top_length : "");
  return text;
}

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names read_names(int folder) {
  struct names names = {0};
  size_t room = 0;
  int copy = dup(folder);
  DIR *listing = copy < 0 ? NULL : fdopendir(copy);
  if (!listing) fail(errno, "reading %s", path_text());
  rewinddir(listing);
  for (struct dirent *entry; (errno = 0, entry = readdir(listing));) {
    const char *name = entry->d_name;
    if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]))) continue;
    if (names.count == room) names.list = grow(names.list, (room = 2 * room + 16) * sizeof *names.list);
    if (!(names.list[names.count++] = strdup(name))) abort();
  }
  if (errno) fail(errno, "reading %s", path_text());
  closedir(listing);
  if (names.count > 1) qsort(names.list, names.count, sizeof *names.list, compare);
  return names;
}

void free_names(struct names *names) {
  for (size_t i = 0; i < names->count; i++) free(names->list[i]);
  free(names->list);
}

size_t path_push(const char *name) {
  size_t before = path.length;
  if (before > 0 && path.bytes[before - 1] != '/' && name[0] != '/') buffer_append(&path, "/", 1);
  buffer_append(&path, name, strlen(name));
  buffer_append(&path, "", 1);
  path.length--; /* the NUL stays behind the end */
  return before;
}

void path_pop(size_t length) {
  path.length = length;
  if (path.bytes) path.bytes[length] = 0;
}

int enter(const char *name) {
  int fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) fail(errno, "opening %s", path_text());
  if (fd >= 0 && fchdir(fd)) fail(errno, "entering %s", path_text());
  return fd;
}
