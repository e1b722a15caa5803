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

/* FOLDER -> bytes of all files, one with several names counted once, as decimal digits */
void measure(char **arguments) {
  char digits[24];
  add_folder(open_folder(arguments[0]));
  output(digits, (size_t)snprintf(digits, sizeof digits, "%jd", (intmax_t)total));
}
