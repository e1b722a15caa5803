/*
 * A tree comes out as files in an empty folder, which is our root directory by then, and every name is one component: so
 * whatever the description says, nothing outside of the folder can be reached.
 */
#include "tree.h"

#include <sys/sendfile.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define MAX_XATTR_VALUE 65536
/* The most that one sendfile(2) copies. */
#define MAX_COPY 0x7ffff000

static struct extract_entry entry;
static char name[NAME_MAX + 1], text[PATH_MAX], xattr_name[NAME_MAX + 1], xattr_value[MAX_XATTR_VALUE];
static int *sources, source_count;

/* Ends the program with errno, naming the entry. */
_Noreturn static void stop(const char *what) {
  char folder[PATH_MAX];
  int error = errno;
  if (!getcwd(folder, sizeof folder)) strcpy(folder, "?");
  fail(error, "/%s: %s", *name ? (path_push(folder + 1), path_push(name), path.bytes) : folder + 1, what);
}

static void check(int result, const char *what) {
  if (result < 0) stop(what);
}

static void read_all(void *bytes, size_t length) {
  errno = EPIPE;
  if (fread(bytes, 1, length, stdin) != length) stop("reading the description");
}

static void read_text(char *into, size_t length, size_t size) {
  errno = EBADMSG;
  if (length >= size) stop("reading the description");
  read_all(into, length);
  into[length] = 0;
}

static void check_name(void) {
  errno = EBADMSG;
  if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) stop("the name");
}

static void copy(int to, const struct extract_segment *segment) {
  off_t source = (off_t)segment->source;
  errno = EBADMSG;
  if (segment->file >= (uint32_t)source_count) stop("the number of a source");
  check(lseek(to, (off_t)segment->offset, SEEK_SET) < 0 ? -1 : 0, "seeking");
  for (uint64_t left = segment->length; left > 0;) {
    ssize_t sent = sendfile(to, sources[segment->file], &source, left < MAX_COPY ? left : MAX_COPY);
    if (!sent) errno = EIO; /* the source is shorter than it should be */
    if (sent <= 0) stop("writing its content");
    left -= (uint64_t)sent;
  }
}

static void make_file(void) {
  struct extract_segment segment;
  uint64_t end = 0;
  int file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.mode & 0777);
  check(file, "making it");
  for (uint32_t i = 0; i < entry.segments; i++) {
    read_all(&segment, sizeof segment);
    copy(file, &segment);
    end = segment.offset + segment.length;
  }
  if (end < entry.size) check(ftruncate(file, (off_t)entry.size), "setting its length");
  close(file);
}

static void set_xattrs(void) {
  struct extract_xattr xattr;
  for (uint32_t i = 0; i < entry.xattrs; i++) {
    read_all(&xattr, sizeof xattr);
    read_text(xattr_name, xattr.name_length, sizeof xattr_name);
    errno = EBADMSG;
    if (xattr.value_length > MAX_XATTR_VALUE) stop("reading the description");
    read_all(xattr_value, xattr.value_length);
    if (!lsetxattr(name, xattr_name, xattr_value, xattr.value_length, 0)) continue;
    if (errno == ENOSPC) errno = E2BIG; /* what an inode has for them is full, not the disk */
    stop(xattr_name);
  }
}

/*
 * In an order in which none undoes another: chown(2) clears set-id bits and capabilities, all of it changes times. What a
 * file has from its making is left out: each change is one more transaction of the file system.
 */
static void set_attributes(void) {
  const struct timespec time = {entry.seconds, entry.nanoseconds}, times[] = {time, time};
  bool of_root = entry.uid == 0 && entry.gid == 0; /* no folder that is being filled has its set-gid bit yet */
  bool whole = of_root && S_ISREG(entry.mode) && !(entry.mode & 07000) && entry.xattrs == 0;
  if (!of_root) check(fchownat(AT_FDCWD, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW), "setting its owner");
  set_xattrs();
  if (!whole && !S_ISLNK(entry.mode)) check(chmod(name, entry.mode & 07777), "setting its permissions");
  check(utimensat(AT_FDCWD, name, times, AT_SYMLINK_NOFOLLOW), "setting its time");
}

static dev_t device(uint64_t encoded) {
  return makedev((encoded >> 8) & 0xfff, (encoded & 0xff) | ((encoded >> 12) & 0xfff00));
}

static void make_entry(void) {
  switch (entry.op) {
    case EXTRACT_ENTER:
      check(mkdir(name, 0700), "making it");
      check(chdir(name), "entering it");
      return;
    case EXTRACT_FILE: make_file(); break;
    case EXTRACT_SYMLINK: check(symlink(text, name), "making it"); break;
    case EXTRACT_NODE: check(mknod(name, entry.mode, device(entry.size)), "making it"); break;
    case EXTRACT_LINK: check(link(text, name), "linking it"); return;
    default: errno = EBADMSG; stop("the kind of entry");
  }
  set_attributes();
}

static void make_tree(void) {
  for (int depth = 0; depth >= 0;) {
    *name = 0;
    read_all(&entry, sizeof entry);
    read_text(name, entry.name_length, sizeof name);
    read_text(text, entry.text_length, sizeof text);
    if (entry.op == EXTRACT_LEAVE) {
      strcpy(name, ".");
      set_attributes();
      if (depth-- > 0) check(chdir(".."), "leaving it");
    } else {
      check_name();
      make_entry();
      if (entry.op == EXTRACT_ENTER) depth++;
    }
  }
}

/* FOLDER FILE... < struct extract_entry with its parts, one after the other; all is on the disk in the end */
void extract(char **arguments) {
  static char input[1 << 18];
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setvbuf(stdin, input, _IOFBF, sizeof input);
  for (char **file = arguments + 1; *file; file++) {
    sources = grow(sources, ((size_t)source_count + 1) * sizeof *sources);
    if ((sources[source_count++] = open(*file, O_RDONLY | O_CLOEXEC)) < 0) fail(errno, "opening %s", *file);
  }
  if (chdir(arguments[0]) || chroot(".")) fail(errno, "entering %s", arguments[0]);
  make_tree();
  int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || syncfs(root)) stop("syncing the file system");
}
