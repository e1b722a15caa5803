/* What is at a path. */
#include "tree.h"

/* Where a link leads in the end, as far as there is something. */
static void follow(int root, const char *wanted, char target[PATH_MAX]) {
  char link[PATH_MAX];
  int fd = open_in(root, wanted, O_PATH);
  if (fd >= 0) {
    path_of(fd, target);
    close(fd);
    return;
  }
  fd = open_in(root, wanted, O_PATH | O_NOFOLLOW);
  ssize_t length = fd < 0 ? -1 : readlinkat(fd, "", link, sizeof link - 1);
  close(fd);
  link[length < 0 ? 0 : length] = 0;
  const char *slash = strrchr(wanted, '/');
  int room = link[0] == '/' || !slash ? 0 : (int)(slash - wanted + 1);
  if ((size_t)snprintf(target, PATH_MAX, "%.*s%s", room, wanted, link) >= PATH_MAX) target[0] = 0;
}

void describe_path(int root, const char *wanted) {
  char text[PATH_MAX + 80], target[PATH_MAX] = "";
  struct stat stat;
  int fd = open_in(root, wanted, O_PATH | O_NOFOLLOW);
  if (fd < 0 || fstat(fd, &stat)) fail(errno, "looking at %s", wanted);
  if (S_ISLNK(stat.st_mode)) follow(root, wanted, target);
  close(fd);
  int length = snprintf(text, sizeof text, "%u %jd %jd %ld %s", stat.st_mode, (intmax_t)stat.st_size,
                        (intmax_t)stat.st_mtim.tv_sec, stat.st_mtim.tv_nsec, target);
  output(text, (size_t)length + 1);
}

/* VIEW PATH -> described */
void describe(char **arguments) {
  int root = open_view(&arguments);
  describe_path(root, arguments[0]);
}
