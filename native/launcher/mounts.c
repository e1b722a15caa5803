/* The mount API of kernel 5.2 and later: file systems are configured and bind mounts cloned before anybody sees them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "launcher.h"

/* The kernel takes option values of at most 255 bytes (fsconfig copies them with strndup_user(value, 256)). */
#define MAX_OPTION_VALUE 255

struct option {
  char *key, *value; /* a flag has no value */
  int proxy;         /* the O_PATH descriptor through which a longer path is named; -1: none */
};

/* "text: reason" plus what the kernel wrote into the context's log: lines of "e overlay: ...". */
static void fail_with_log(struct request *request, int context, const char *what) {
  fail(request, errno, "%s", what);
  char line[1024];
  ssize_t length;
  while ((length = read(context, line, sizeof line)) > 0) {
    while (length > 0 && line[length - 1] == '\n') length--;
    size_t skipped = length > 2 && line[1] == ' ' ? 2 : 0;
    reply_raw(request, "; ", 2);
    reply_raw(request, line + skipped, (size_t)length - skipped);
  }
}

static int configure(int context, struct option *option) {
  if (!option->value) return fsconfig(context, FSCONFIG_SET_FLAG, option->key, NULL, 0);
  if (strlen(option->value) <= MAX_OPTION_VALUE || option->value[0] != '/')
    return fsconfig(context, FSCONFIG_SET_STRING, option->key, option->value, 0);
  char name[32];
  option->proxy = open(option->value, O_PATH | O_CLOEXEC);
  if (option->proxy < 0) return -1;
  snprintf(name, sizeof name, "/proc/self/fd/%d", option->proxy);
  return fsconfig(context, FSCONFIG_SET_STRING, option->key, name, 0);
}

static void mount_filesystem(struct request *request, const char *fstype, struct option *options, uint32_t count,
                             uint32_t attributes, const char *target) {
  int context = fsopen(fstype, FSOPEN_CLOEXEC);
  if (context < 0) return fail(request, errno, "fsopen");
  int mount = -1;
  char what[512] = "creating the file system";
  uint32_t done = 0;
  while (done < count && configure(context, &options[done]) == 0) done++;
  if (done < count) {
    struct option *bad = &options[done];
    snprintf(what, sizeof what, "option %.200s%s%.255s", bad->key, bad->value ? "=" : "", bad->value ? bad->value : "");
    fail_with_log(request, context, what);
  } else if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
    fail_with_log(request, context, what);
  } else if ((mount = fsmount(context, FSMOUNT_CLOEXEC, attributes)) < 0) {
    fail_with_log(request, context, "fsmount");
  } else if (move_mount(mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH)) {
    fail(request, errno, "attaching it");
  }
  if (mount >= 0) close(mount);
  close(context);
}

void handle_mount(struct request *request) {
  char *fstype = read_text(request), *target = read_text(request);
  uint32_t attributes = read_u32(request), count = read_u32(request);
  if (count > (size_t)(request->end - request->at) / 8) request->malformed = true;
  if (request->malformed) count = 0;
  struct option *options = grow(NULL, (count + 1) * sizeof *options);
  for (uint32_t i = 0; i < count; i++) {
    options[i].key = read_text(request);
    options[i].value = read_optional_text(request);
    options[i].proxy = -1;
  }
  if (!request->malformed) mount_filesystem(request, fstype, options, count, attributes, target);
  for (uint32_t i = 0; i < count; i++)
    if (options[i].proxy >= 0) close(options[i].proxy);
  free(options);
}

void handle_bind(struct request *request) {
  char *source = read_text(request), *target = read_text(request);
  unsigned recursive = read_u32(request) ? AT_RECURSIVE : 0;
  struct mount_attr attr = {0};
  attr.attr_set = read_u32(request);
  attr.attr_clr = read_u32(request);
  attr.propagation = read_u32(request);
  if (request->malformed) return;
  int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  if (tree < 0) return fail(request, errno, "cloning the mount of %s", source);
  if ((attr.attr_set || attr.attr_clr || attr.propagation) &&
      mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attr, sizeof attr)) {
    fail(request, errno, "setting its attributes");
  } else if (move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH)) {
    fail(request, errno, "attaching it");
  }
  close(tree);
}

void handle_unmount(struct request *request) {
  char *target = read_text(request);
  int flags = UMOUNT_NOFOLLOW | (read_u32(request) ? MNT_DETACH : 0);
  if (request->malformed) return;
  /* EINVAL: not a mount point; ENOENT: not even a path. */
  if (umount2(target, flags) && errno != EINVAL && errno != ENOENT) fail(request, errno, "umount");
}
