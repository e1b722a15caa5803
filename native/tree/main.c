#include "tree.h"

#include <sys/resource.h>

static const struct {
  const char *name;
  void (*run)(char **arguments);
} commands[] = {
    {"changes", list_changes}, {"compare", list_differences}, {"diff", pack_changes}, {"size", measure},
    {"pack", pack_view},       {"stat", describe},     {"unpack", unpack},     {"extract", extract},
    {"pack-here", pack_here},  {"unpack-here", unpack_here},
};

void fail(int error, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s ", error ? strerrorname_np(error) : "REFUSED");
  vfprintf(stderr, format, arguments);
  if (error) fprintf(stderr, ": %s", strerror(error));
  exit(1);
}

/* A walk holds one descriptor for each level of folders. */
static void raise_limits(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **arguments) {
  raise_limits();
  umask(0);
  for (size_t i = 0; count > 1 && i < sizeof commands / sizeof *commands; i++) {
    if (strcmp(arguments[1], commands[i].name)) continue;
    commands[i].run(arguments + 2);
    output_end();
    return 0;
  }
  fail(0, "no such command; it is started by wherryd");
}
