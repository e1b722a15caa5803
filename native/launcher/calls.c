/* The calls of requests: most are one system call, whose arguments are checked so that it can write nowhere but there. */
#include "launcher.h"

#include <sys/syscall.h>

enum {
  OPENS = 1, /* the result is a descriptor */
  AGAIN = 2, /* it is made again while there is some output; the outputs are put together */
  QUICK = 4, /* it neither blocks nor changes the thread, so the loop makes it: in the order of the requests */
};

struct call_type {
  const char *name, *arguments; /* see protocol.h */
  unsigned flags;
  long number; /* of the system call */
  call_function *function;
};

struct argument {
  int32_t number; /* or the length of `bytes` */
  char *bytes;
};

struct call {
  const struct call_type *type;
  struct launcher_call head;
  struct argument arguments[6];
  int32_t result;
};

long fail(int error) {
  errno = error;
  return -1;
}

/* A file in memory can be limited: to its size, which it has from the beginning. */
static long call_seal(struct request *request, const long *a) {
  return fcntl((int)a[0], F_ADD_SEALS, (int)a[1]);
}

/* What was written into a file so far, from an offset on. */
static long call_written(struct request *request, const long *a) {
  off_t end = lseek((int)a[0], 0, SEEK_CUR), left = end - a[3];
  if (end < 0 || left < 0) return end < 0 ? -1 : 0;
  return pread((int)a[0], (void *)a[1], (size_t)(left < a[2] ? left : a[2]), a[3]);
}

/* Sends bytes; they may name a descriptor by its number, which is put in at an offset. */
static long call_send(struct request *request, const long *a) {
  int passed = (int)a[3];
  if (passed >= 0 && (a[4] < 0 || a[4] > a[2] - (long)sizeof passed)) return fail(EBADMSG);
  if (passed >= 0) memcpy((char *)a[1] + a[4], &passed, sizeof passed);
  return send((int)a[0], (void *)a[1], (size_t)a[2], MSG_NOSIGNAL);
}

static const struct call_type types[] = {
    {"fsopen", "tn", OPENS, SYS_fsopen, NULL},
    {"fsconfig", "dnoon", 0, SYS_fsconfig, NULL},
    {"fsmount", "dnn", OPENS, SYS_fsmount, NULL},
    {"open_tree", "ntn", OPENS, SYS_open_tree, NULL},
    {"mount_setattr", "dtnb", 0, SYS_mount_setattr, NULL},
    {"move_mount", "dtntn", 0, SYS_move_mount, NULL},
    {"umount2", "tn", 0, SYS_umount2, NULL},
    {"openat", "ntnn", OPENS, SYS_openat, NULL},
    {"unlinkat", "ntn", 0, SYS_unlinkat, NULL},
    {"read", "dw", AGAIN, SYS_read, NULL},
    {"fchmod", "dn", 0, SYS_fchmod, NULL},
    {"memfd_create", "tn", OPENS, SYS_memfd_create, NULL},
    {"ftruncate", "dn", 0, SYS_ftruncate, NULL},
    {"pwrite", "dbn", 0, SYS_pwrite64, NULL},
    {"seal", "dn", 0, 0, call_seal},
    {"written", "dwn", 0, 0, call_written},
    {"chdir", "t", 0, SYS_chdir, NULL},
    {"unshare", "n", 0, SYS_unshare, NULL},
    {"setns", "dn", 0, SYS_setns, NULL},
    {"socket", "nnn", OPENS | QUICK, SYS_socket, NULL},
    {"setsockopt", "dnnb", QUICK, SYS_setsockopt, NULL},
    {"bind", "db", QUICK, SYS_bind, NULL},
    {"listen", "dn", QUICK, SYS_listen, NULL},
    {"connect", "db", 0, SYS_connect, NULL},
    {"send", "dbdn", 0, 0, call_send},
    {"recv", "dwn", AGAIN, SYS_recvfrom, NULL},
    {"pidfd_open", "nn", OPENS | QUICK, SYS_pidfd_open, NULL},
    {"pidfd_getfd", "dnn", OPENS | QUICK, SYS_pidfd_getfd, NULL},
    {"keep", "tdn", QUICK, 0, call_keep},
    {"release", "t", QUICK, 0, call_release},
    {"held", "", QUICK, 0, call_held},
    {"ready", "", QUICK, 0, call_ready},
    {"spawn", "bdddd", 0, 0, call_spawn},
    {"run", "bddddn", 0, 0, call_run},
    {"ended", "ntd", 0, 0, call_ended},
};
#define END (types + sizeof types / sizeof *types)

/* The next `size` bytes of the payload; NULL when there are not as many. */
static char *take(struct request *request, size_t size) {
  if (size > request->left) return NULL;
  request->left -= size;
  return request->payload + request->header.length - request->left - size;
}

static bool read_argument(struct request *request, char type, struct argument *argument) {
  const char *number = take(request, sizeof argument->number);
  if (!number) return false;
  memcpy(&argument->number, number, sizeof argument->number);
  size_t length = (uint32_t)argument->number;
  switch (type) {
    case 'n': return true;
    case 'd': return argument->number == -1 || (length < request->count && request->calls[length].type->flags & OPENS);
    case 'w': return length <= LAUNCHER_MAX_OUTPUT;
  }
  bool absent = type == 'o' && length == 0;
  char *bytes = take(request, length);
  argument->bytes = absent ? NULL : bytes;
  return bytes && (type == 'b' || absent || (length > 0 && memchr(bytes, 0, length) == bytes + length - 1));
}

static bool read_call(struct request *request, struct call *call) {
  const struct launcher_call *head = (struct launcher_call *)take(request, sizeof *head);
  if (!head || head->after > request->count) return false;
  *call = (struct call){.head = *head, .type = types, .result = -ECANCELED};
  while (call->type < END && strncmp(call->type->name, head->name, sizeof head->name)) call->type++;
  if (call->type == END) return false;
  struct argument *argument = call->arguments;
  for (const char *type = call->type->arguments; *type; type++, argument++)
    if (!read_argument(request, *type, argument)) return false;
  return true;
}

bool read_calls(struct request *request) {
  request->left = request->header.length;
  request->calls = grow(NULL, (request->left / sizeof(struct launcher_call) + 1) * sizeof *request->calls);
  for (; request->left > 0; request->count++)
    if (!read_call(request, &request->calls[request->count])) return false;
  return true;
}

/* Makes a call: -1 with errno, or its result. */
static long invoke(struct request *request, const struct call *call) {
  long a[8] = {0}, *next = a;
  const struct argument *argument = call->arguments;
  bool writes = false;
  for (const char *type = call->type->arguments; *type; type++, argument++) {
    switch (*type) {
      case 'n': *next++ = argument->number; break;
      case 'd': *next++ = argument->number < 0 ? -1 : request->calls[argument->number].result; break;
      case 'w': *next++ = (long)buffer_room(&request->reply, (size_t)argument->number); break;
      default: *next++ = (long)argument->bytes;
    }
    if (*type == 'd' && next[-1] < 0) next[-1] = -1; /* it must not be taken for AT_FDCWD */
    if (*type == 'b' || *type == 'w') *next++ = argument->number;
    writes = writes || *type == 'w';
  }
  long result = call->type->function ? call->type->function(request, a)
                                     : syscall(call->type->number, a[0], a[1], a[2], a[3], a[4], a[5]);
  if (writes && result > 0) request->reply.length += (size_t)result;
  return result;
}

static void make_call(struct request *request, struct call *call) {
  const struct launcher_call *head = &call->head;
  struct buffer *reply = &request->reply;
  struct launcher_result result = {0};
  size_t at = reply->length;
  buffer_append(reply, &result, sizeof result);
  bool wanted = head->after ? request->error && request->calls[head->after - 1].result >= 0 : !request->error;
  for (bool again = wanted; again;) {
    long value = invoke(request, call);
    call->result = value < 0 ? -errno : (int32_t)value;
    again = call->type->flags & AGAIN && value > 0 && reply->length < LAUNCHER_MAX_PAYLOAD;
  }
  result.value = call->result;
  result.length = (uint32_t)(reply->length - at - sizeof result);
  memcpy(reply->bytes + at, &result, sizeof result);
  if (!wanted || request->error || result.value >= 0 || memchr(head->fine, -result.value, sizeof head->fine)) return;
  request->error = -result.value;
  request->failed = (uint32_t)(call - request->calls);
}

void make_calls(struct request *request, bool quick) {
  for (struct call *call; request->made < request->count; request->made++) {
    call = &request->calls[request->made];
    if (quick && !(call->type->flags & QUICK)) return;
    make_call(request, call);
  }
}

void end_calls(struct request *request) {
  for (struct call *call = request->calls; call < request->calls + request->count; call++)
    if (call->type->flags & OPENS && call->result >= 0) close(call->result);
  free(request->calls);
}
