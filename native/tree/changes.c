/* What an upper directory changes in the tree below it, told as dockerd does when it compares whole trees. */
#include "tree.h"

#include <sys/mount.h>
#include <sys/xattr.h>

enum kind { MODIFIED = '0', ADDED = '1', DELETED = '2' };

/* A folder of the upper directory that is at hand, or one that only the layers have (fd -1) and was deleted. */
static void compare_folder(int upper, int lower, bool opaque);

/* Two whole trees are compared, not an upper directory and what is below. */
static bool whole;

/* Lines are held back until it is known whether the folder above them is one. */
static struct buffer lines;

static void insert_line(size_t at, enum kind kind) {
  struct buffer rest = {0};
  char head[] = {(char)kind, '/'};
  buffer_append(&rest, lines.bytes + at, lines.length - at);
  lines.length = at;
  buffer_append(&lines, head, sizeof head);
  buffer_append(&lines, path.bytes, path.length + 1);
  buffer_append(&lines, rest.bytes, rest.length);
  buffer_clear(&rest);
}

/* Docker takes times whose nanoseconds one side does not know for the same. */
static bool same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && (a.tv_nsec == b.tv_nsec || a.tv_nsec == 0 || b.tv_nsec == 0);
}

static ssize_t capability(int folder, const char *name, char *value, size_t size) {
  return fchdir(folder) ? -1 : lgetxattr(name, "security.capability", value, size);
}

static bool differ(int upper, int lower, const char *name, const struct stat *now, const struct stat *before) {
  char a[64], b[64];
  if (now->st_mode != before->st_mode || now->st_uid != before->st_uid || now->st_gid != before->st_gid) return true;
  if (now->st_rdev != before->st_rdev) return true;
  if (S_ISDIR(now->st_mode)) return false;
  if (now->st_size != before->st_size || !same_time(now->st_mtim, before->st_mtim)) return true;
  ssize_t length = capability(upper, name, a, sizeof a);
  return length != capability(lower, name, b, sizeof b) || (length > 0 && memcmp(a, b, (size_t)length) != 0);
}

static bool look(int folder, const char *name, struct stat *stat) {
  if (folder < 0) return false;
  if (!fstatat(folder, name, stat, AT_SYMLINK_NOFOLLOW)) return true;
  if (errno != ENOENT) fail(errno, "looking at /%s", path.bytes);
  return false;
}

static void compare_subfolder(int upper, int lower, const char *name, const struct stat *before) {
  char opaque = 0;
  if (fchdir(upper)) fail(errno, "entering the folder of /%s", path.bytes);
  bool hides = whole || (lgetxattr(name, "trusted.overlay.opaque", &opaque, 1) == 1 && opaque == 'y');
  int inner = enter(name), below = -1;
  if (inner < 0) return;
  if (before && S_ISDIR(before->st_mode)) {
    below = openat(lower, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0) fail(errno, "opening /%s in the layers", path.bytes);
  }
  compare_folder(inner, below, hides);
  if (below >= 0) close(below);
  close(inner);
}

static void compare_name(int upper, int lower, const char *name) {
  struct stat now, before;
  bool is = look(upper, name, &now), was = look(lower, name, &before);
  if (is && !whole && S_ISCHR(now.st_mode) && now.st_rdev == 0) is = false;
  size_t start = lines.length;
  if (!is && was) insert_line(start, DELETED);
  if (is && !was) insert_line(start, ADDED);
  if (is && was && differ(upper, lower, name, &now, &before)) insert_line(start, MODIFIED);
  bool told = lines.length > start;
  if (is && S_ISDIR(now.st_mode)) compare_subfolder(upper, lower, name, was ? &before : NULL);
  if (!told && lines.length > start) insert_line(start, MODIFIED);
}

static void compare_folder(int upper, int lower, bool opaque) {
  struct names names = read_names(upper), hidden = {0};
  if (opaque && lower >= 0) hidden = read_names(lower);
  for (size_t i = 0, j = 0; i < names.count || j < hidden.count;) {
    int order = i == names.count ? 1 : j == hidden.count ? -1 : strcmp(names.list[i], hidden.list[j]);
    const char *name = order <= 0 ? names.list[i] : hidden.list[j];
    size_t before = path_push(name);
    compare_name(upper, lower, name);
    path_pop(before);
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  free_names(&hidden);
  free_names(&names);
}

/* The layers (top first) as one tree, mounted for this process alone. */
static int open_layers(char **layers) {
  char key[] = "lowerdir+", value[32];
  if (!layers[0]) return -1;
  if (!layers[1]) return open_folder(layers[0]);
  int context = fsopen("overlay", FSOPEN_CLOEXEC), error = context < 0;
  for (; *layers && !error; layers++) {
    /* An option has at most 255 bytes, a path may have more. */
    int layer = open(*layers, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(value, sizeof value, "/proc/self/fd/%d", layer);
    error = layer < 0 || fsconfig(context, FSCONFIG_SET_STRING, key, value, 0);
    if (layer >= 0) close(layer);
  }
  static const char *const options[][2] = {
      {"redirect_dir", "nofollow"}, {"metacopy", "off"}, {"index", "off"}, {"xino", "off"}};
  for (size_t i = 0; i < 4 && !error; i++)
    error = fsconfig(context, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0);
  int mount = -1;
  if (!error && !fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
    mount = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
  int tree = mount < 0 ? -1 : openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tree < 0) fail(errno, "mounting the layers");
  return tree;
}

/* UPPER LAYER... -> for each change its kind (Docker's digit), path and NUL */
void list_changes(char **arguments) {
  int upper = open_folder(arguments[0]), lower = open_layers(arguments + 1);
  compare_folder(upper, lower, false);
  output(lines.bytes, lines.length);
}

struct buffer *compare_trees(char **arguments) {
  whole = true;
  compare_folder(open_folder(arguments[0]), open_folder(arguments[1]), true);
  return &lines;
}

/* TREE BEFORE -> as of changes */
void list_differences(char **arguments) {
  struct buffer *found = compare_trees(arguments);
  output(found->bytes, found->length);
}

const char *enter_line(int root, const char *line) {
  char folder[PATH_MAX];
  const char *name = strrchr(line, '/') + 1;
  snprintf(folder, sizeof folder, "%.*s", (int)(name - line - 1), line + 1);
  int fd = open_in(root, folder, O_RDONLY | O_DIRECTORY);
  if (fd < 0 || fchdir(fd)) fail(errno, "entering %s", folder);
  close(fd);
  path_pop(0);
  path_push(line + 2);
  return name;
}

bool is_deletion(const char *line) {
  return line[0] == DELETED;
}
