/* How much a tree holds. */
#include "tree.h"

static off_t total;

static void add_folder(int folder) {
  struct names names = read_names(folder);
  for (size_t i = 0; i < names.count; i++) {
    struct stat stat;
    if (fstatat(folder, names.list[i], &stat, AT_SYMLINK_NOFOLLOW)) continue; /* gone meanwhile */
    size_t before = path_push(names.list[i]);
    if (S_ISDIR(stat.st_mode)) {
      int fd = openat(folder, names.list[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (fd >= 0) add_folder(fd);
      if (fd >= 0) close(fd);
    } else if (!earlier_name(&stat)) {
      total += stat.st_size;
    }
    path_pop(before);
  }
  free_names(&names);
}

static void add_lines(int root, const struct buffer *lines) {
  for (const char *line = lines->bytes; line < lines->bytes + lines->length; line += strlen(line) + 1) {
    struct stat stat;
    if (is_deletion(line) || fstatat(AT_FDCWD, enter_line(root, line), &stat, AT_SYMLINK_NOFOLLOW)) continue;
    if (!S_ISDIR(stat.st_mode) && !earlier_name(&stat)) total += stat.st_size;
  }
}

/* FOLDER, or TREE BEFORE -> bytes of all (changed) files, one with several names counted once, as decimal digits */
void measure(char **arguments) {
  char digits[24];
  if (arguments[1]) add_lines(open_folder(arguments[0]), compare_trees(arguments));
  else add_folder(open_folder(arguments[0]));
  output(digits, (size_t)snprintf(digits, sizeof digits, "%jd", (intmax_t)total));
}
