/* The mount API of kernel 5.2 and later: file systems are configured and bind mounts cloned before anybody sees them. */
#include "launcher.h"

#include <sys/mount.h>

/* The error with what the kernel wrote into the context's log: lines of "e overlay: ...". */
static void fail_with_log(struct request *request, int context, const char *what) {
  char line[1024];
  fail(request, errno, "%s: %m", what);
  for (ssize_t length; (length = read(context, line, sizeof line)) > 3;) {
    buffer_append(&request->reply, "; ", 2);
    buffer_append(&request->reply, line + 2, (size_t)length - 3);
  }
}

/* Gives the option that is refused, NULL = none. */
static const char *configure(int context, char **options) {
  for (; *options; options++) {
    char *value = strchr(*options, '=');
    if (value) *value = 0;
    int result = value ? fsconfig(context, FSCONFIG_SET_STRING, *options, value + 1, 0)
                       : fsconfig(context, FSCONFIG_SET_FLAG, *options, NULL, 0);
    if (value) *value = '=';
    if (result) return *options;
  }
  return NULL;
}

static void attach(struct request *request, int mount, const char *target) {
  if (move_mount(mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH)) fail(request, errno, "attaching it: %m");
}

void do_mount(struct request *request) {
  int mount = -1, context = fsopen(request->fields[0].text, FSOPEN_CLOEXEC);
  if (context < 0) return fail(request, errno, "fsopen: %m");
  const char *refused = configure(context, request->fields[3].texts);
  if (refused) fail_with_log(request, context, refused);
  else if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) fail_with_log(request, context, "creating it");
  else if ((mount = fsmount(context, FSMOUNT_CLOEXEC, request->fields[2].number)) < 0)
    fail_with_log(request, context, "fsmount");
  else attach(request, mount, request->fields[1].text);
  if (mount >= 0) close(mount);
  close(context);
}

void do_bind(struct request *request) {
  const char *source = request->fields[0].text, *target = request->fields[1].text;
  unsigned recursive = request->fields[2].number ? AT_RECURSIVE : 0;
  struct mount_attr attr = {.attr_set = request->fields[3].number,
                            .attr_clr = request->fields[4].number,
                            .propagation = request->fields[5].number};
  int tree = open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
  if (tree < 0) return fail(request, errno, "cloning the mount of %s: %m", source);
  if (mount_setattr(tree, "", AT_EMPTY_PATH | recursive, &attr, sizeof attr))
    fail(request, errno, "setting its attributes: %m");
  else attach(request, tree, target);
  close(tree);
}

/* Who only looks at a mount (df, a path on its way through it) keeps it busy for a moment. */
#define BUSY_TRIES 100
#define BUSY_PAUSE_US 10000

void do_unmount(struct request *request) {
  int flags = UMOUNT_NOFOLLOW | (request->fields[1].number ? MNT_DETACH : 0);
  for (int tries = 1; umount2(request->fields[0].text, flags); tries++) {
    if (errno == EINVAL || errno == ENOENT) return; /* not a mount point; not even a path */
    if (errno != EBUSY || tries == BUSY_TRIES) return fail(request, errno, "umount: %m");
    usleep(BUSY_PAUSE_US);
  }
}
