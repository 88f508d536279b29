/* Processes that are forked while the library is in use: the child has its own engines, and none of its parent's. */
#include "suite.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define F OPNODE_E_FORKED

/* The handles of the process that forks. */
typedef struct things {
  opnode_engine *engine;
  opnode_conn *conn;
  opnode_op *op;
  opnode_buf *buf;
  opnode_error *error;
} things;

static things all_kinds(void) {
  things all = {0};
  opnode_op *wrong = NULL;
  all.engine = engine("");
  all.conn = shop(all.engine);
  all.op = start(all.conn, GOODS(30, ""), 1);
  ERR(OPNODE_OK, opnode_op_next(all.op, FOREVER, &all.buf, &err));
  CHECK(opnode_op_start(all.conn, "{}", 2, 1, &wrong, &all.error) == OPNODE_E_USAGE);
  return all;
}

/* The handles are unchanged and work. */
static void still_good(things *all) {
  CHECK(opnode_buf_count(all->buf) == 10);
  free(drained(all->op, OPNODE_DONE));
  IS(OPNODE_OK, opnode_buf_free(all->buf));
  IS(OPNODE_OK, opnode_error_free(all->error));
  IS(OPNODE_OK, opnode_op_free(all->op));
  leave(all->engine, all->conn);
}

/* The child reports failures on stderr, which the harness reads; one that hangs is killed. */
static pid_t child(void) {
  pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) alarm(60);
  return pid;
}

static void ends_well(pid_t pid) {
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void no_texts(const things *of) {
  size_t n = 7;
  CHECK(opnode_buf_data(of->buf, &n) == NULL && n == 0);
  CHECK(opnode_buf_count(of->buf) == 0);
  CHECK(opnode_buf_item(of->buf, 0, NULL) == NULL);
  n = 7;
  CHECK(opnode_error_message(of->error, &n) == NULL && n == 0);
  CHECK(opnode_error_json(of->error, NULL) == NULL);
}

/* Every function, with handles from before the fork. The error has advice. */
static void refused(const things *of) {
  opnode_conn *conn = (opnode_conn *)8;
  opnode_op *op = (opnode_op *)8;
  opnode_buf *out = (opnode_buf *)8, *told = (opnode_buf *)8;
  opnode_progress progress = {.struct_size = sizeof progress};
  uint64_t tag = 0;
  size_t n = 7;
  CHECK(opnode_conn_open(of->engine, "{}", 2, &conn, &err) == F && conn == NULL);
  HAS(opnode_error_message(err, NULL), "from before a fork");
  char *json = failure(err);
  HAS(json, "create an engine in the child");
  free(json);
  IS(F, opnode_engine_shutdown(of->engine, FOREVER));
  CHECK(opnode_ready_wait(of->engine, FOREVER, &tag, 1, &n) == F && n == 0);
  ERR(F, opnode_events_take(of->engine, &out, &err));
  CHECK(out == NULL);
  ERR(F, opnode_definitions_load(of->engine, "{}", 2, &err));
  ERR(F, opnode_describe_connectors(of->engine, &out, &err));
  ERR(F, opnode_describe_templates(of->engine, NULL, 0, NULL, 0, &out, &err));
  ERR(F, opnode_describe_template(of->engine, NULL, 0, "x", 1, &out, &err));
  ERR(F, opnode_search(of->engine, "x", 1, NULL, 0, &out, &err));
  out = (opnode_buf *)8;
  ERR(F, opnode_run(of->conn, STALL, OPNODE_NTS, FOREVER, &out, &err));
  CHECK(out == NULL);
  ERR(F, opnode_run_report(of->conn, STALL, OPNODE_NTS, FOREVER, &out, &told, &err));
  CHECK(told == NULL);
  ERR(F, opnode_op_start(of->conn, STALL, OPNODE_NTS, 1, &op, &err));
  CHECK(op == NULL);
  ERR(F, opnode_op_write(of->op, "[]", 2, 0, FOREVER, &err));
  out = (opnode_buf *)8;
  ERR(F, opnode_op_next(of->op, FOREVER, &out, &err));
  CHECK(out == NULL);
  IS(F, opnode_op_progress(of->op, &progress));
  ERR(F, opnode_op_report(of->op, &out, &err));
  IS(F, opnode_op_cancel(of->op));
  no_texts(of);
  CHECK(opnode_op_free(of->op) == F && opnode_conn_free(of->conn) == F && opnode_buf_free(of->buf) == F);
  CHECK(opnode_error_free(of->error) == F && opnode_engine_free(of->engine) == F);
}

static atomic_int dropped;
static void drops(void *user_data) { (*(atomic_int *)user_data)++; }

/* A complete use of an own engine: reads, writes, a cancel, callbacks, the end of all threads. */
static void a_life(void) {
  opnode_hooks hooks = {.struct_size = sizeof hooks, .user_data = &dropped, .drop = drops};
  int before = dropped;
  opnode_engine *it = hooked("", &hooks);
  opnode_conn *conn = shop(it);
  char *all = run(conn, GOODS(30, ""), OPNODE_OK);
  HAS(all, "Good 30");
  free(all);
  free(run(conn, ADD("[{\"name\":\"a\"}]"), OPNODE_OK));
  opnode_op *op = start(conn, STALL, 3);
  opnode_buf *buf = NULL;
  uint64_t tag = 0;
  size_t n = 0;
  ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
  IS(OPNODE_OK, opnode_op_cancel(op));
  do IS(OPNODE_OK, opnode_ready_wait(it, 20000, &tag, 1, &n));
  while (tag == 0);
  CHECK(tag == 3);
  ERR(OPNODE_E_CANCELLED, opnode_op_next(op, 0, &buf, &err));
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
  for (int i = 0; i < 2000 && dropped == before; i++) nap(5);
  CHECK(dropped == before + 1);
  all_is_over();
}

CASE(fork_child) {
  things all = all_kinds();
  pid_t pid = child();
  if (pid == 0) {
    refused(&all);
    a_life();
    refused(&all);
    _exit(0);
  }
  ends_well(pid);
  still_good(&all);
}

/* `drop` is also called in a child when the engine cannot be created. */
CASE(fork_child_whose_engine_fails) {
  opnode_engine *it = engine("");
  pid_t pid = child();
  if (pid == 0) {
    opnode_hooks hooks = {.struct_size = sizeof hooks, .user_data = &dropped, .drop = drops};
    opnode_engine *none = (opnode_engine *)8;
    ERR(OPNODE_E_USAGE, opnode_engine_new(OPNODE_ABI_VERSION, "{\"x\":1}", OPNODE_NTS, &hooks, &none, &err));
    CHECK(none == NULL && dropped == 1);
    _exit(0);
  }
  ends_well(pid);
  finish(it);
}

/* Handles of one generation are invalid in another, and no number is used twice. */
CASE(fork_of_a_fork) {
  things first = all_kinds();
  pid_t pid = child();
  if (pid == 0) {
    things second = all_kinds();
    CHECK(second.engine != first.engine && second.conn != first.conn && second.op != first.op);
    pid = child();
    if (pid == 0) {
      refused(&first);
      refused(&second);
      a_life();
      _exit(0);
    }
    ends_well(pid);
    still_good(&second);
    refused(&first);
    _exit(0);
  }
  ends_well(pid);
  still_good(&first);
}

/* ---- while other threads are in calls ---- */

static atomic_int over;

static void *works(void *conn) {
  while (!over) {
    opnode_buf *buf = NULL;
    if (opnode_run(conn, EMIT(3), OPNODE_NTS, FOREVER, &buf, NULL) == OPNODE_OK) IS(OPNODE_OK, opnode_buf_free(buf));
  }
  return NULL;
}

static void *makes_engines(void *unused) {
  (void)unused;
  while (!over) {
    opnode_engine *it = NULL;
    IS(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, "{\"builtin\":false,\"log\":\"trace\"}", OPNODE_NTS, NULL, &it, NULL));
    IS(OPNODE_OK, opnode_engine_free(it));
  }
  return NULL;
}

CASE(fork_while_threads_work) {
  opnode_engine *it = engine(",\"log\":\"trace\"");
  opnode_conn *conn = shop(it);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, i < 3 ? works : makes_engines, conn) == 0);
  for (int i = 0; i < 30; i++) {
    pid_t pid = child();
    if (pid == 0) {
      opnode_engine *own = engine(",\"log\":\"trace\"");
      opnode_conn *shop_of_child = shop(own);
      free(run(shop_of_child, EMIT(3), OPNODE_OK));
      CHECK(opnode_conn_free(conn) == F);
      leave(own, shop_of_child);
      _exit(0);
    }
    ends_well(pid);
  }
  over = 1;
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  leave(it, conn);
}

/* ---- in a callback, whose thread is the child's only one ---- */

static atomic_int forked;

static void forks(void *user_data, uint64_t tag) {
  (void)user_data, (void)tag;
  pid_t pid = child();
  if (pid == 0) {
    a_life();
    _exit(0);
  }
  ends_well(pid);
  forked++;
}

CASE(fork_in_a_callback) {
  opnode_hooks hooks = {.struct_size = sizeof hooks, .ready = forks};
  opnode_engine *it = hooked("", &hooks);
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(3, ",\"trouble\":\"slow-50\""), 1);
  opnode_buf *buf = NULL;
  ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
  for (int i = 0; i < 4000 && !forked; i++) nap(5);
  CHECK(forked == 1);
  free(drained(op, OPNODE_DONE));
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
}

/* ---- random numbers ---- */

/* The idempotency key of a write; the system executes writes with the same key only once. */
static char *key(opnode_conn *conn) {
  char *all = run(conn, "{\"method\":\"mutate\",\"operationId\":\"orderGood\",\"items\":[{\"name\":\"a\"}]}", OPNODE_OK);
  char *found = strstr(all, "\"key\":\"");
  CHECK(found != NULL);
  char *copy = strndup(found + 7, 32);
  free(all);
  return copy;
}

CASE(fork_makes_other_keys) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  int ends[2];
  free(key(conn));
  CHECK(pipe(ends) == 0);
  pid_t pid = child();
  if (pid == 0) {
    opnode_engine *own = engine("");
    opnode_conn *shop_of_child = shop(own);
    char *of_child = key(shop_of_child);
    CHECK(write(ends[1], of_child, 32) == 32);
    _exit(0);
  }
  char *own = key(conn), of_child[33] = {0};
  CHECK(read(ends[0], of_child, 32) == 32);
  CHECK(strlen(own) == 32 && strlen(of_child) == 32 && strcmp(own, of_child) != 0);
  free(own);
  ends_well(pid);
  close(ends[0]), close(ends[1]);
  leave(it, conn);
}
