/*
 * What a container sees of the host: its root, and the volumes and binds on it; nothing of /proc, /sys and /dev. They are
 * clones of the mounts, attached to each other in a mount namespace of our own, where devices cannot be opened.
 */
#include "tree.h"

#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static int descriptors = -1; /* /proc/self/fd of the host */
bool no_links;

static int clone_mount(int fd, const char *source, bool recursive, bool writable) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NODEV | (writable ? 0 : MOUNT_ATTR_RDONLY),
                                  .propagation = MS_PRIVATE};
  int tree = open_tree(fd, source, flags);
  if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attributes, sizeof attributes))
    fail(errno, "cloning the mount of %s", source);
  return tree;
}

int open_folder(const char *source) {
  int tree = clone_mount(AT_FDCWD, source, false, false);
  int fd = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(errno, "opening %s", source);
  return fd; /* the clone lasts as long as `tree` is open */
}

int open_in(int root, const char *wanted, int flags) {
  struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  if (no_links) how.resolve |= RESOLVE_NO_SYMLINKS;
  for (int tries = 0;; tries++) {
    int fd = (int)syscall(SYS_openat2, root, wanted, &how, sizeof how);
    if (fd >= 0 || errno != EAGAIN || tries == 1000) return fd; /* something was renamed while we looked */
  }
}

void path_of(int fd, char text[PATH_MAX]) {
  char name[16];
  snprintf(name, sizeof name, "%d", fd);
  ssize_t length = readlinkat(descriptors, name, text, PATH_MAX - 1);
  if (length < 0) fail(errno, "finding a path");
  text[length] = 0;
}

int make_folders(int root, const char *wanted) {
  int fd = open_in(root, wanted, O_PATH | O_DIRECTORY);
  if (fd < 0 && errno == ENOENT) {
    char *copy = strdup(wanted), *slash = strrchr(copy, '/');
    *slash = 0;
    int parent = make_folders(root, slash == copy ? "/" : copy);
    if (mkdirat(parent, slash + 1, 0755) && errno != EEXIST) fail(errno, "making %s", wanted);
    fd = open_in(root, wanted, O_PATH | O_DIRECTORY);
    close(parent);
    free(copy);
  }
  if (fd < 0 && no_links && (errno == ELOOP || errno == ENOTDIR))
    fail(0, "%s is no folder: nothing is written through it", wanted);
  if (fd < 0) fail(errno, "opening %s", wanted);
  return fd;
}

/* Where a volume goes; made as what it is, a folder or a file, if it is not there. */
static int mount_point(int root, const char *target, int source) {
  struct stat stat;
  int fd = open_in(root, target, O_PATH);
  if (fd >= 0 || errno != ENOENT) return fd;
  if (fstat(source, &stat)) return -1;
  if (S_ISDIR(stat.st_mode)) return make_folders(root, target);
  char *copy = strdup(target), *slash = strrchr(copy, '/');
  *slash = 0;
  int parent = make_folders(root, slash == copy ? "/" : copy);
  int file = openat(parent, slash + 1, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (file >= 0) close(file);
  close(parent);
  free(copy);
  return open_in(root, target, O_PATH);
}

/* The root of a process, in whose mount namespace we are then. The start time tells it from a later one with its pid. */
static int enter_process(pid_t pid, int64_t start) {
  char name[32];
  snprintf(name, sizeof name, "/proc/%d/root", pid);
  int process = pidfd_open(pid, 0), root = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (process < 0 || root < 0 || process_stat(pid, 22) != start) fail(ESRCH, "process %d", pid);
  if (setns(process, CLONE_NEWNS)) fail(errno, "entering the container");
  close(process);
  return root;
}

/* PID START COUNT, then for each mount SOURCE TARGET ro|rw; the first is the root. PID 0 = the container does not run. */
int open_view(char ***arguments) {
  char **at = *arguments;
  pid_t pid = (pid_t)atoi(at[0]);
  int64_t start = strtoll(at[1], NULL, 10);
  int count = atoi(at[2]), *trees = grow(NULL, (size_t)(count + 1) * sizeof *trees);
  descriptors = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
  int process = pid ? enter_process(pid, start) : -1;
  at += 3;
  for (int i = 0; i < count; i++) {
    bool writable = !strcmp(at[3 * i + 2], "rw");
    int source = pid ? i == 0 ? process : open_in(process, at[3 * i + 1], O_PATH) : AT_FDCWD;
    trees[i] = pid && source < 0 ? -1 : clone_mount(source, pid ? "" : at[3 * i], i > 0, writable || i == 0);
  }
  if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) fail(errno, "a mount namespace");
  for (int i = 0; i < count; i++) {
    int target = i == 0 ? AT_FDCWD : trees[i] < 0 ? -1 : mount_point(trees[0], at[3 * i + 1], trees[i]);
    if (trees[i] < 0) continue;
    unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | (i > 0 ? MOVE_MOUNT_T_EMPTY_PATH : 0);
    if (move_mount(trees[i], "", target, i > 0 ? "" : "/", flags)) fail(errno, "mounting %s", at[3 * i + 1]);
  }
  struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};
  if (strcmp(at[2], "rw") && mount_setattr(trees[0], "", AT_EMPTY_PATH, &read_only, sizeof read_only))
    fail(errno, "making the root read-only"); /* not before: mount points may have had to be made */
  /* With the host's tree go all other mounts, which would keep other containers' file systems alive. */
  if (fchdir(trees[0]) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH)) fail(errno, "entering the root");
  *arguments = at + 3 * count;
  return trees[0];
}
