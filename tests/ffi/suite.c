/* Runs one case by its name; prints nothing if it passes. */
#include "suite.h"

#include <dirent.h>
#include <time.h>

static suite_case cases[200];
static int count;
opnode_error *err;

void suite_add(const char *name, void (*run)(void)) {
  cases[count].name = name;
  cases[count++].run = run;
}

_Noreturn void suite_fail(const char *file, int line, const char *what, int32_t status, const char *more) {
  fprintf(stderr, "%s:%d: %s", file, line, what);
  if (status != 0) fprintf(stderr, " gave %d %s", status, opnode_status_name(status));
  fprintf(stderr, "%s%s\n", more ? ": " : "", more ? more : "");
  fflush(stderr);
  _exit(1);
}

void suite_is(const char *file, int line, const char *what, int32_t wanted, int32_t got, opnode_error **error) {
  const char *message = error && *error ? opnode_error_message(*error, NULL) : NULL;
  if (wanted != got) {
    char told[400];
    snprintf(told, sizeof told, "wanted %d %s; %s", wanted, opnode_status_name(wanted), message ? message : "no message");
    suite_fail(file, line, what, got == 0 ? 999 : got, told);
  }
  if (error) {
    if ((got < 0) != (*error != NULL)) suite_fail(file, line, what, got, "failure and error do not go together");
    if (*error && (!message || !*message)) suite_fail(file, line, what, got, "the error has no message");
    if (*error && opnode_error_free(*error) != OPNODE_OK) suite_fail(file, line, what, got, "the error cannot be freed");
    *error = NULL;
  }
}

const char *env(const char *name) {
  const char *value = getenv(name);
  if (!value) suite_fail("suite.c", __LINE__, name, 0, "is not set");
  return value;
}

opnode_engine *hooked(const char *more, const opnode_hooks *hooks) {
  char cfg[2000];
  snprintf(cfg, sizeof cfg, "{\"definitions\":[\"%s\"],\"builtin\":false,\"selftest\":true%s}", env("SHOP_DEFINITIONS"), more);
  opnode_engine *it = NULL;
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, cfg, OPNODE_NTS, hooks, &it, &err));
  CHECK(it != NULL);
  return it;
}

opnode_engine *engine(const char *more) { return hooked(more, NULL); }

void finish(opnode_engine *it) {
  IS(OPNODE_OK, opnode_engine_shutdown(it, 20000));
  IS(OPNODE_OK, opnode_engine_free(it));
  IS(OPNODE_E_HANDLE, opnode_engine_free(it));
}

void leave(opnode_engine *it, opnode_conn *conn) {
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

opnode_conn *shop_with(opnode_engine *it, const char *limits) {
  char spec[1000];
  const char *form = "{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"%s\",\"user\":\"robot\",\"apiKey\":\"open-sesame\"},\"limits\":{%s}}";
  snprintf(spec, sizeof spec, form, env("SHOP"), limits);
  opnode_conn *conn = NULL;
  ERR(OPNODE_OK, opnode_conn_open(it, spec, OPNODE_NTS, &conn, &err));
  return conn;
}

opnode_conn *shop(opnode_engine *it) { return shop_with(it, "\"attempts\":1"); }

opnode_op *start(opnode_conn *conn, const char *request, uint64_t tag) {
  opnode_op *op = NULL;
  ERR(OPNODE_OK, opnode_op_start(conn, request, OPNODE_NTS, tag, &op, &err));
  return op;
}

char *text(opnode_buf *buf) {
  size_t len = 0;
  const char *data = opnode_buf_data(buf, &len);
  CHECK(data != NULL && data[len] == 0 && strlen(data) == len);
  char *copy = strdup(data);
  IS(OPNODE_OK, opnode_buf_free(buf));
  return copy;
}

char *drained(opnode_op *op, int32_t end) {
  char *all = calloc(1, 1);
  for (;;) {
    opnode_buf *buf = NULL;
    int32_t status = opnode_op_next(op, 20000, &buf, &err);
    if (status != OPNODE_OK) {
      CHECK(buf == NULL);
      ERR(end, status);
      /* The end is repeated. */
      ERR(end, opnode_op_next(op, FOREVER, &buf, &err));
      return all;
    }
    char *part = text(buf);
    all = realloc(all, strlen(all) + strlen(part) + 1);
    strcat(all, part);
    free(part);
  }
}

char *run(opnode_conn *conn, const char *request, int32_t end) {
  opnode_buf *buf = NULL;
  ERR(end, opnode_run(conn, request, OPNODE_NTS, 20000, &buf, &err));
  return buf ? text(buf) : strdup("");
}

char *report(opnode_op *op) {
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_op_report(op, &buf, &err));
  CHECK(opnode_buf_count(buf) == 0);
  return text(buf);
}

char *failure(opnode_error *error) {
  size_t len = 0;
  const char *json = opnode_error_json(error, &len);
  CHECK(json != NULL && strlen(json) == len);
  char *copy = strdup(json);
  IS(OPNODE_OK, opnode_error_free(error));
  return copy;
}

int64_t now_ms(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (int64_t)at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

void nap(int ms) { usleep((useconds_t)ms * 1000); }

int handles_are_lost;

static int threads(void) {
  int n = 0;
  DIR *folder = opendir("/proc/self/task");
  for (struct dirent *entry; folder && (entry = readdir(folder));) n += entry->d_name[0] != '.';
  if (folder) closedir(folder);
  return n;
}

/* All threads of the library end with the last handle. On a busy machine this may take long. */
void all_is_over(void) {
  for (int i = 0; i < 1200 && threads() > 1; i++) nap(i < 20 ? 5 : 50);
  if (threads() > 1) suite_fail(__FILE__, __LINE__, "threads are left", threads(), NULL);
}

int main(int argc, char **argv) {
  for (int i = 0; argc == 2 && i < count; i++) {
    if (strcmp(cases[i].name, argv[1]) == 0) {
      cases[i].run();
      if (!handles_are_lost) all_is_over();
      return 0;
    }
  }
  fprintf(stderr, "which case?\n");
  return 2;
}
