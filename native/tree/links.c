#include "tree.h"

/* Files with more names than one, by where they are: the name that came first. */
static struct seen {
  dev_t device;
  ino_t inode;
  char *name;
} *seen;
static size_t seen_count, seen_room;

static struct seen *find_seen(const struct stat *stat) {
  size_t at = (size_t)((stat->st_ino * 0x9e3779b97f4a7c15u) ^ stat->st_dev) & (seen_room - 1);
  while (seen[at].name && (seen[at].inode != stat->st_ino || seen[at].device != stat->st_dev))
    at = (at + 1) & (seen_room - 1);
  return &seen[at];
}

static void grow_seen(void) {
  struct seen *old = seen;
  size_t room = seen_room;
  seen_room = room ? 2 * room : 1024;
  if (!(seen = calloc(seen_room, sizeof *seen))) abort();
  for (size_t i = 0; i < room; i++) {
    struct stat key = {.st_dev = old[i].device, .st_ino = old[i].inode};
    if (old[i].name) *find_seen(&key) = old[i];
  }
  free(old);
}

const char *earlier_name(const struct stat *stat) {
  if (stat->st_nlink < 2) return NULL;
  if (2 * seen_count >= seen_room) grow_seen();
  struct seen *entry = find_seen(stat);
  if (entry->name) return entry->name;
  *entry = (struct seen){stat->st_dev, stat->st_ino, strdup(path.bytes)};
  seen_count++;
  return NULL;
}
