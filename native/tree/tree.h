/*
 * The tree program: reads and writes trees of files for the engine. One run does one thing and ends; protocol.h says how
 * it is called. It runs as root over what containers have written, so no path is ever believed:
 *
 *   view.c     the root that a container sees, in mounts of our own, without devices
 *   names.c    the names of a folder, sorted; the path of where a walk is
 *   links.c    which names are one file
 *   pack.c     a tree becomes a tar, tar.c its bytes, output.c where they go
 *   changes.c  what a container's upper directory changes in the layers below
 *   describe.c size.c   what is at a path; how much a folder holds
 *   unpack.c   entries become files
 *   receive.c  a client's bytes become a file
 *   extract.c  a layer becomes files in a folder of its own
 */
#ifndef WHERRY_TREE_H
#define WHERRY_TREE_H

#include "../common.h"
#include "protocol.h"

#include <stdarg.h>

/* ---- main.c */

/* Ends the program: `ERRNO-NAME message: text of errno` on stderr, exit code 1. Without `error` it is our own refusal. */
__attribute__((format(printf, 2, 3))) _Noreturn void fail(int error, const char *format, ...);

/* ---- view.c */

/* The detached mount of a folder of the host; devices in it cannot be opened. */
int open_folder(const char *path);
/* The root of the view that `arguments` describe, which are then moved past; it is also this process's root. */
int open_view(char ***arguments);
/* No links are followed in open_in and make_folders: what is behind one is refused. */
extern bool no_links;
/* A path of the view, links followed inside it (the last one unless O_NOFOLLOW), never one of /proc; -1 and errno. */
int open_in(int root, const char *path, int flags);
/* Where a descriptor of the view is, as the container says it. */
void path_of(int fd, char text[PATH_MAX]);
/* Opens the folder `path` of the view, making what is missing of it (root's, 0755). */
int make_folders(int root, const char *path);
/* Gives mode, size, seconds, nanoseconds and, for a link, where it leads in the end, with a NUL after it. */
void describe_path(int root, const char *path);

/* ---- names.c */

struct names {
  char **list;
  size_t count;
};
/* Sorted by byte value, without `.` and `..`. */
struct names read_names(int folder);
void free_names(struct names *names);

/* Where a walk is, NUL-terminated. */
extern struct buffer path;
/* Appends a name (and a slash before it); gives the length to go back to. */
size_t path_push(const char *name);
void path_pop(size_t length);

/* Begins a walk at what is called `name` there, and `called` in messages. */
void path_begin(const char *name, const char *called);
/* Where a walk is, for messages; until the next call. */
const char *path_text(void);

/* Opens a folder by its name in the working directory and goes there; -1 when it is gone or no folder any more. */
int enter(const char *name);

/* ---- links.c */

/* The name by which a file with several names was met first; NULL, and the current path is remembered, if it is new. */
const char *earlier_name(const struct stat *stat);

/* ---- changes.c */

/* What a whole tree changes in the one it was before, as lines: kind, path, NUL. */
struct buffer *compare_trees(char **arguments);
/* Opens the folder of a line's path inside `root` and goes there, the path being `path` then; gives the name in it. */
const char *enter_line(int root, const char *line);
/* A line of a name that is there no more. */
bool is_deletion(const char *line);

/* ---- output.c */

/*
 * What has been put out so far is about what follows. It is told when the first of that is to go out, so that a failure
 * until then comes instead of it. With a byte on standard input the rest goes to the client's socket, descriptor 3, in chunks
 * as of HTTP; at its end to standard output, too.
 */
void output_for_client(void);
void output(const void *bytes, size_t length);
/* Exactly `length` bytes: of the file, then zeros if it has become shorter; false then. */
bool output_file(int fd, off_t length);
void output_flush(void);
/*
 * All of it goes to the client's socket in the same way, and in the end the last, empty chunk; standard output gets decimal
 * numbers in lines: how many bytes have gone.
 */
void output_to_client(void);
void output_end(void);

/* ---- receive.c */

/* Writes what comes from the client into a file, tells the engine, and gives how much that was: `wanted` or less. */
uint64_t receive(int fd, const struct tree_piece *wanted, const char *name);

/* ---- tar.c */

/* The header of an entry: type as in ustar; `xattrs` are PAX records already. */
void tar_header(char type, const char *name, const char *link, const struct stat *stat, const struct buffer *xattrs);
void tar_record(struct buffer *records, const char *key, const void *value, size_t length);
void tar_padding(off_t size);
void tar_end(void);

/* ---- the commands */

void list_differences(char **arguments);
void extract(char **arguments);
void pack_changes(char **arguments);
void pack_view(char **arguments);
void list_changes(char **arguments);
void describe(char **arguments);
void measure(char **arguments);
void unpack(char **arguments);
void pack_here(char **arguments);
void unpack_here(char **arguments);

#endif
