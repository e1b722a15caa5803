/* Entries become files below a folder of a view. Every folder is looked up anew inside the view when it changes. */
#include "tree.h"

#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static int root = -1;
static char base[PATH_MAX]; /* where the entries go */
static bool keep_kinds;     /* no folder is replaced by what is none, nor the other way round */
static bool here;           /* the folder is the caller's, and so is what comes into it; no link is followed */
static const char *shown = base; /* the folder in messages */

/* What is done last, for every file that comes into a folder changes it, and not every caller may fill any folder. */
static struct folder_end {
  char *name;
  struct timespec time;
  mode_t mode;
} *folder_ends;
static size_t folder_count, folder_room;

/* What comes next on stdin, at most `wanted` bytes, until the next call; gives how many, 0 at the end. */
static size_t take_some(const char **bytes, uint64_t wanted) {
  static char input[256 << 10];
  static size_t at, end;
  if (at == end) {
    ssize_t count = read(STDIN_FILENO, input, sizeof input);
    at = 0;
    end = count > 0 ? (size_t)count : 0;
  }
  size_t count = end - at < wanted ? end - at : (size_t)wanted;
  *bytes = input + at;
  at += count;
  return count;
}

static bool take(void *bytes, size_t length) {
  const char *from;
  for (size_t count; length > 0; length -= count, bytes = (char *)bytes + count) {
    if (!(count = take_some(&from, length))) return false;
    memcpy(bytes, from, count);
  }
  return true;
}

static char *take_text(uint32_t length) {
  char *text = grow(NULL, length + 1u);
  if (!take(text, length)) fail(0, "the entries end early");
  text[length] = 0;
  return text;
}

static char *below(const char *folder, const char *name) {
  char *full = grow(NULL, strlen(folder) + strlen(name) + 2);
  sprintf(full, "%s%s%s", folder, folder[1] ? "/" : "", name);
  return full;
}

/* Base and a name below it. */
static char *full_name(const char *name) {
  return below(base, name);
}

/* The folder that a name is in, kept open for the next one; goes there and gives the last part of the name. */
static const char *enter_parent(const char *name) {
  static char *entered;
  static int fd = -1;
  char *full = full_name(name), *slash = strrchr(full, '/');
  const char *last = strrchr(name, '/');
  slash[slash == full] = 0;
  if (!entered || strcmp(entered, full)) {
    if (fd >= 0) close(fd);
    fd = make_folders(root, full);
    if (fchdir(fd)) fail(errno, "entering %s", full);
    free(entered);
    entered = full;
  } else {
    free(full);
  }
  return last ? last + 1 : name;
}

static void remove_name(int parent, const char *name) {
  if (!unlinkat(parent, name, 0)) return;
  if (errno != EISDIR) fail(errno, "removing %s", name);
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) fail(errno, "removing %s", name);
  struct names names = read_names(fd);
  for (size_t i = 0; i < names.count; i++) remove_name(fd, names.list[i]);
  free_names(&names);
  close(fd);
  if (unlinkat(parent, name, AT_REMOVEDIR)) fail(errno, "removing %s", name);
}

/* Makes room for an entry; true when it is a folder that is there already. */
static bool make_room(const struct tree_entry *entry, const char *name, const char *last) {
  struct stat stat;
  if (fstatat(AT_FDCWD, last, &stat, AT_SYMLINK_NOFOLLOW)) {
    if (errno != ENOENT) fail(errno, "looking at %s", name);
    return false;
  }
  bool is = S_ISDIR(stat.st_mode), wanted = entry->type == '5';
  char *full = below(shown, name);
  if (keep_kinds && is && !wanted) fail(0, "cannot overwrite directory \"%s\" with non-directory \"%s\"", full, shown);
  if (keep_kinds && !is && wanted) fail(0, "cannot overwrite non-directory \"%s\" with directory \"%s\"", full, shown);
  free(full);
  if (is && wanted) return true;
  remove_name(AT_FDCWD, last);
  return false;
}

static void copy_input(int fd, uint64_t length, const char *name) {
  const char *from;
  for (uint64_t count; length > 0; length -= count) {
    if (!(count = take_some(&from, length))) fail(0, "the entries end early");
    for (ssize_t done = 0, written; done < (ssize_t)count; done += written)
      if ((written = write(fd, from + done, (size_t)count - (size_t)done)) < 0) fail(errno, "writing %s", name);
  }
}

static void copy_pieces(int fd, uint64_t size, const char *name) {
  for (struct tree_piece piece; size > 0; size -= piece.length) {
    if (!take(&piece, sizeof piece) || piece.length > size) fail(0, "the entries end early");
    if (piece.from_client) piece.length = receive(fd, &piece, name);
    else copy_input(fd, piece.length, name);
  }
}

/* Gives it open. */
static int write_file(const struct tree_entry *entry, const char *name, const char *last) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = open(last, flags, entry->mode & 0777);
  if (fd < 0 && errno == EEXIST) {
    make_room(entry, name, last);
    fd = open(last, flags, entry->mode & 0777);
  }
  if (fd < 0) fail(errno, "making %s", name);
  if (entry->size < TREE_PIECES) copy_input(fd, entry->size, name);
  else copy_pieces(fd, entry->size, name);
  return fd;
}

static void make_link(const char *name, const char *target, const char *last) {
  char *full = full_name(target), *slash = strrchr(full, '/');
  int parent = open_in(root, (*slash = 0, full[0] ? full : "/"), O_PATH | O_DIRECTORY);
  if (parent < 0 || linkat(parent, slash + 1, AT_FDCWD, last, 0))
    fail(errno == ENOENT ? 0 : errno, "invalid hardlink \"%s\" -> \"%s\"", name, target);
  close(parent);
  free(full);
}

static void make_special(const struct tree_entry *entry, const char *name, const char *last) {
  mode_t type = entry->type == '3' ? S_IFCHR : entry->type == '4' ? S_IFBLK : S_IFIFO;
  if (mknod(last, type | 0600, makedev(entry->major, entry->minor))) fail(errno, "making %s", name);
}

/* Pairs of key and value, each with its length in front; what the file system does not keep is passed over. */
static void set_xattrs(const char *name, const char *last, const char *pairs, uint32_t length) {
  for (const char *at = pairs; at < pairs + length;) {
    uint32_t key_length, value_length;
    memcpy(&key_length, at, sizeof key_length);
    memcpy(&value_length, at + 4, sizeof value_length);
    const char *key = at + 8, *value = key + key_length;
    at = value + value_length;
    if (lsetxattr(last, key, value, value_length, 0) && errno != ENOTSUP && errno != EPERM)
      fail(errno, "setting %s of %s", key, name);
  }
}

static void defer(const char *name, struct timespec time, mode_t mode) {
  if (folder_count == folder_room)
    folder_ends = grow(folder_ends, (folder_room = 2 * folder_room + 64) * sizeof *folder_ends);
  folder_ends[folder_count++] = (struct folder_end){full_name(name), time, mode};
}

/* Of the name, or of the file that is open. Only what is not so already: each change is one more transaction of the file system. */
static void set_attributes(const struct tree_entry *entry, const char *name, const char *last, int fd, const char *pairs) {
  struct timespec time = {entry->mtime, entry->mtime_ns}, times[] = {time, time};
  struct stat stat;
  int at = fd < 0 ? AT_FDCWD : fd, flags = fd < 0 ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;
  const char *what = fd < 0 ? last : "";
  if (fstatat(at, what, &stat, flags)) fail(errno, "looking at %s", name);
  bool owned = here || (stat.st_uid == entry->uid && stat.st_gid == entry->gid);
  if (!owned && fchownat(at, what, entry->uid, entry->gid, flags)) fail(errno, "giving %s its owner", name);
  mode_t mode = entry->mode & 07777;
  bool same_mode = owned && (stat.st_mode & 07777) == mode; /* chown(2) clears set-id bits */
  if (here && S_ISDIR(stat.st_mode)) same_mode = true; /* in the end */
  if (!same_mode && !S_ISLNK(stat.st_mode) && (fd < 0 ? fchmodat(at, what, mode, flags) : fchmod(fd, mode)))
    fail(errno, "giving %s its mode", name);
  set_xattrs(name, last, pairs, entry->xattrs_length);
  if (S_ISDIR(stat.st_mode)) return defer(name, time, mode);
  if (utimensat(at, what, times, flags)) fail(errno, "giving %s its time", name);
}

static void unpack_entry(const struct tree_entry *entry) {
  char *name = take_text(entry->name_length), *link = take_text(entry->link_length);
  char *pairs = take_text(entry->xattrs_length);
  const char *last = enter_parent(name);
  bool is_file = entry->type == '0', there = !is_file && make_room(entry, name, last);
  int file = is_file ? write_file(entry, name, last) : -1;
  if (entry->type == '5' && !there && mkdir(last, here ? 0700 : entry->mode & 0777)) fail(errno, "making %s", name);
  if (entry->type == '1') make_link(name, link, last);
  if (entry->type == '2' && symlink(link, last)) fail(errno, "making the link %s", name);
  if (strchr("346", entry->type)) make_special(entry, name, last);
  set_attributes(entry, name, last, file, pairs);
  if (file >= 0) close(file);
  free(name);
  free(link);
  free(pairs);
}

/* Whether this is the view's root mount, not a volume's. */
static bool on_root(int fd) {
  struct statx point, top;
  return !statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &point) && !statx(root, "", AT_EMPTY_PATH, STATX_MNT_ID, &top) &&
         point.stx_mnt_id == top.stx_mnt_id;
}

static void find_base(const char *wanted) {
  struct statvfs filesystem;
  struct stat stat;
  int fd = open_in(root, wanted, O_PATH);
  if (fd < 0 || fstat(fd, &stat) || fstatvfs(fd, &filesystem)) fail(errno, "looking at %s", wanted);
  if (!S_ISDIR(stat.st_mode)) fail(0, "extraction point is not a directory");
  if (filesystem.f_flag & ST_RDONLY)
    fail(0, "%s", on_root(fd) ? "container rootfs is marked read-only" : "mounted volume is marked read-only");
  path_of(fd, base);
  close(fd);
}

static void finish_folders(void) {
  for (size_t i = folder_count; i-- > 0;) {
    const struct folder_end *end = &folder_ends[i];
    struct timespec times[] = {end->time, end->time};
    int fd = open_in(root, end->name, O_PATH | O_NOFOLLOW | O_DIRECTORY);
    if (fd < 0) continue;
    if (here && fchmodat(fd, "", end->mode, AT_EMPTY_PATH)) fail(errno, "giving %s its mode", end->name);
    if (utimensat(fd, "", times, AT_EMPTY_PATH)) fail(errno, "giving %s its time", end->name);
    close(fd);
  }
}

/* VIEW PATH keep|replace < struct tree_entry with its parts, one after the other */
void unpack(char **arguments) {
  struct tree_entry entry;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* a client may keep us waiting for long */
  root = open_view(&arguments);
  find_base(arguments[0]);
  keep_kinds = !strcmp(arguments[1], "keep");
  while (take(&entry, sizeof entry)) unpack_entry(&entry);
  finish_folders();
}

/* < u32 length of the path of a folder, the path, then the same; for a caller who may be anybody, and keeps what comes */
void unpack_here(char **arguments) {
  struct tree_entry entry;
  uint32_t length;
  (void)arguments;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  here = keep_kinds = no_links = true;
  if (!take(&length, sizeof length)) fail(0, "the entries end early");
  shown = take_text(length);
  strcpy(base, "/");
  if ((root = open(shown, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) fail(errno, "opening %s", shown);
  while (take(&entry, sizeof entry)) unpack_entry(&entry);
  finish_folders();
}
