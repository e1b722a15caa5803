/* A tree becomes a tar: entries sorted, a folder before what is in it, sockets left out, the same bytes every time. */
#include "tree.h"

#include <sys/xattr.h>

#define XATTRS (64 << 10)

/* What the tar is for. */
static bool changes; /* a layer: the upper directory's whiteouts and opaque folders are said as tars say them */
static bool listed;  /* of a folder only the folder itself */
static bool here;    /* a container: what somebody has in a folder of theirs */

/* Those of the layer's own; what overlayfs keeps for itself and labels of this machine do not travel. Into a container go the
   user's, and what lets a program do more. */
static bool travels(const char *key) {
  if (!strncmp(key, "trusted.overlay.", 16) || !strncmp(key, "user.overlay.", 13)) return false;
  if (!strcmp(key, "security.selinux")) return false;
  if (here) return !strncmp(key, "user.", 5) || !strcmp(key, "security.capability");
  return changes || strncmp(key, "trusted.", 8) != 0;
}

/* The extended attributes of a name in the working directory, as PAX records sorted by key. */
static void read_xattrs(const char *name, struct buffer *records) {
  static char keys[XATTRS], value[XATTRS];
  char *sorted[XATTRS / 8], record[300];
  size_t count = 0;
  ssize_t length = llistxattr(name, keys, sizeof keys);
  if (length <= 0) return;
  for (char *key = keys; key < keys + length; key += strlen(key) + 1) {
    if (!travels(key)) continue;
    size_t at = count++;
    for (; at > 0 && strcmp(sorted[at - 1], key) > 0; at--) sorted[at] = sorted[at - 1];
    sorted[at] = key;
  }
  for (size_t i = 0; i < count; i++) {
    ssize_t size = lgetxattr(name, sorted[i], value, sizeof value);
    if (size < 0) continue; /* gone meanwhile */
    snprintf(record, sizeof record, "SCHILY.xattr.%s", sorted[i]);
    tar_record(records, record, value, (size_t)size);
  }
}

static void pack_folder(int folder);

/* A folder is called with a slash at its end. */
static void folder_header(const struct stat *stat, const struct buffer *xattrs) {
  size_t length = path.length;
  if (length == 0 || path.bytes[length - 1] != '/') path_push("/");
  tar_header('5', path.bytes, "", stat, xattrs);
  path_pop(length);
}

static void pack_subfolder(const char *name, const struct stat *stat, const struct buffer *xattrs) {
  static const struct stat marker = {.st_mode = 0600};
  char opaque = 0;
  bool hides = changes && lgetxattr(name, "trusted.overlay.opaque", &opaque, 1) == 1 && opaque == 'y';
  int fd = enter(name);
  if (fd < 0) return;
  folder_header(stat, xattrs);
  if (listed) {
    close(fd);
    return;
  }
  if (hides) {
    size_t before = path_push(".wh..wh..opq");
    tar_header('0', path.bytes, "", &marker, NULL);
    path_pop(before);
  }
  pack_folder(fd);
  close(fd);
}

static void pack_file(const char *name, struct stat *stat, const struct buffer *xattrs) {
  int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && (errno == ENOENT || errno == ELOOP)) return;
  if (fd < 0 || fstat(fd, stat)) fail(errno, "opening %s", path_text());
  if (S_ISREG(stat->st_mode)) {
    tar_header('0', path.bytes, "", stat, xattrs);
    if (!output_file(fd, stat->st_size) && here) fail(0, "%s became shorter while it was read", path_text());
    tar_padding(stat->st_size);
  }
  close(fd);
}

static void pack_link(const char *name, const struct stat *stat, const struct buffer *xattrs) {
  char target[PATH_MAX + 1];
  ssize_t length = readlinkat(AT_FDCWD, name, target, sizeof target - 1);
  if (length < 0) return;
  target[length] = 0;
  tar_header('2', path.bytes, target, stat, xattrs);
}

static void pack_whiteout(const char *name, struct stat *stat) {
  char marker[NAME_MAX + 8];
  size_t slash = path.length - strlen(name);
  snprintf(marker, sizeof marker, ".wh.%s", name);
  path_pop(slash > 0 ? slash - 1 : 0);
  path_push(marker);
  stat->st_mode = 0600;
  stat->st_size = 0;
  tar_header('0', path.bytes, "", stat, NULL);
}

static void pack_entry(const char *name) {
  struct stat stat;
  struct buffer xattrs = {0};
  if (fstatat(AT_FDCWD, name, &stat, AT_SYMLINK_NOFOLLOW)) {
    if (errno != ENOENT) fail(errno, "looking at %s", path_text());
    return; /* gone meanwhile */
  }
  if (changes && S_ISCHR(stat.st_mode) && stat.st_rdev == 0) return pack_whiteout(name, &stat);
  read_xattrs(name, &xattrs);
  const char *earlier = S_ISDIR(stat.st_mode) || S_ISSOCK(stat.st_mode) ? NULL : earlier_name(&stat);
  if (earlier) tar_header('1', path.bytes, earlier, &stat, &xattrs);
  else if (S_ISDIR(stat.st_mode)) pack_subfolder(name, &stat, &xattrs);
  else if (S_ISREG(stat.st_mode)) pack_file(name, &stat, &xattrs);
  else if (S_ISLNK(stat.st_mode)) pack_link(name, &stat, &xattrs);
  else if (S_ISCHR(stat.st_mode)) tar_header('3', path.bytes, "", &stat, &xattrs);
  else if (S_ISBLK(stat.st_mode)) tar_header('4', path.bytes, "", &stat, &xattrs);
  else if (S_ISFIFO(stat.st_mode)) tar_header('6', path.bytes, "", &stat, &xattrs);
  buffer_clear(&xattrs);
}

static void pack_folder(int folder) {
  struct names names = read_names(folder);
  for (size_t i = 0; i < names.count; i++) {
    size_t before = path_push(names.list[i]);
    if (fchdir(folder)) fail(errno, "entering the folder of %s", path_text());
    pack_entry(names.list[i]);
    path_pop(before);
  }
  free_names(&names);
}

/* The part of a view that is called `path`, as `name`; without a name only what is in it. */
static void pack_path(int root, char *wanted, const char *name) {
  struct buffer xattrs = {0};
  struct stat stat;
  int fd = open_in(root, wanted, O_PATH | O_NOFOLLOW);
  if (fd < 0 || fstat(fd, &stat)) fail(errno, "looking at %s", wanted);
  if (!S_ISDIR(stat.st_mode)) {
    char *slash = strrchr(wanted, '/');
    if (name[0]) path_push(name);
    *slash = 0;
    int parent = open_in(root, slash == wanted ? "/" : wanted, O_PATH | O_DIRECTORY);
    if (parent < 0 || fchdir(parent)) fail(errno, "opening %s", wanted);
    return pack_entry(slash + 1);
  }
  int folder = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || fchdir(folder)) fail(errno, "opening %s", wanted);
  if (name[0]) {
    path_push(name);
    read_xattrs(".", &xattrs);
    folder_header(&stat, &xattrs);
  }
  pack_folder(folder);
}

/* VIEW PATH NAME -> what `stat` gives, then the tar, as output_for_client says */
void pack_view(char **arguments) {
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a client may hold us for long */
  int root = open_view(&arguments);
  describe_path(root, arguments[0]);
  output_for_client();
  pack_path(root, arguments[0], arguments[1]);
  tar_end();
}

/* FOLDER NAME AS PATH [client] -> what is called NAME in FOLDER as a tar, in which it is called AS, and in messages PATH */
void pack_here(char **arguments) {
  struct stat stat;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  here = true;
  if (arguments[4]) output_to_client();
  if (chdir(arguments[0]) || fstatat(AT_FDCWD, arguments[1], &stat, AT_SYMLINK_NOFOLLOW))
    fail(errno, "looking at %s", arguments[3]);
  path_begin(arguments[2], arguments[3]);
  pack_entry(arguments[1]);
  tar_end();
}

static void pack_lines(int root, const struct buffer *lines) {
  for (const char *line = lines->bytes; line < lines->bytes + lines->length; line += strlen(line) + 1) {
    struct stat none = {0};
    const char *name = enter_line(root, line);
    if (is_deletion(line)) pack_whiteout(name, &none);
    else pack_entry(name);
  }
}

/* UPPER, or TREE BEFORE */
void pack_changes(char **arguments) {
  changes = true;
  listed = arguments[1];
  if (listed) pack_lines(open_folder(arguments[0]), compare_trees(arguments));
  else pack_folder(open_folder(arguments[0]));
  tar_end();
}
