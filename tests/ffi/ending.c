/* Ends: cancels, frees in the middle, shutdowns, forks, panics. */
#include "suite.h"

#include <sys/wait.h>

#define F OPNODE_E_FORKED

static void *frees_later(void *op) {
  nap(150);
  IS(OPNODE_OK, opnode_op_free(op));
  return NULL;
}

/* The call that is under way ends, and needs nothing of what was freed. */
CASE(free_in_the_middle_of_a_call) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, STALL, 1);
  opnode_buf *buf = NULL;
  pthread_t thread;
  pthread_create(&thread, NULL, frees_later, op);
  ERR(OPNODE_E_CANCELLED, opnode_op_next(op, FOREVER, &buf, &err));
  pthread_join(thread, NULL);
  ERR(OPNODE_E_HANDLE, opnode_op_next(op, FOREVER, &buf, &err));
  op = start(conn, STREAM, 1);
  while (opnode_op_write(op, "{\"name\":\"Stall\"}", OPNODE_NTS, 0, 50, NULL) == OPNODE_OK) continue;
  pthread_create(&thread, NULL, frees_later, op);
  CHECK(opnode_op_write(op, "{\"name\":\"Stall\"}", OPNODE_NTS, 0, FOREVER, NULL) != OPNODE_AGAIN);
  pthread_join(thread, NULL);
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

CASE(cancel_before_the_first_page) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(30, ",\"trouble\":\"stall\""), 1);
  int64_t before = now_ms();
  nap(100);
  IS(OPNODE_OK, opnode_op_cancel(op));
  char *all = drained(op, OPNODE_E_CANCELLED);
  CHECK(*all == 0 && now_ms() - before < 5000);
  free(all);
  char *told = report(op);
  HAS(told, "\"state\":\"cancelled\"");
  free(told);
  IS(OPNODE_OK, opnode_op_free(op));
  op = start(conn, GOODS(30, ",\"trouble\":\"slow-500\""), 1);
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_E_CANCELLED));
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

CASE(cancel_between_batches) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(30, ",\"trouble\":\"stall-second\""), 1);
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_op_next(op, FOREVER, &buf, &err));
  IS(OPNODE_OK, opnode_buf_free(buf));
  ERR(OPNODE_AGAIN, opnode_op_next(op, 100, &buf, &err));
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_E_CANCELLED));
  char *told = report(op);
  HAS(told, "\"pages\":1");
  free(told);
  opnode_progress progress = {0};
  progress.struct_size = sizeof progress;
  IS(OPNODE_OK, opnode_op_progress(op, &progress));
  CHECK(progress.state == OPNODE_STATE_CANCELLED && progress.items_out == 10);
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

CASE(cancel_after_the_end) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(3, ""), 1);
  free(drained(op, OPNODE_DONE));
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_DONE));
  char *told = report(op);
  HAS(told, "\"state\":\"done\"");
  free(told);
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

CASE(shutdown_with_open_handles) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it), *late = (opnode_conn *)8;
  opnode_op *op = start(conn, STALL, 1), *next = (opnode_op *)8;
  opnode_buf *buf = NULL;
  IS(OPNODE_OPEN, opnode_engine_shutdown(it, 5000));
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  char *told = text(buf);
  HAS(told, "2 handles");
  free(told);
  /* Nothing begins any more; what is there can be asked. */
  ERR(OPNODE_E_USAGE, opnode_op_start(conn, STALL, OPNODE_NTS, 1, &next, &err));
  ERR(OPNODE_E_USAGE, opnode_run(conn, STALL, OPNODE_NTS, 0, &buf, &err));
  ERR(OPNODE_E_USAGE, opnode_conn_open(it, "{\"connector\":\"shop\"}", OPNODE_NTS, &late, &err));
  CHECK(next == NULL && late == NULL);
  ERR(OPNODE_E_CANCELLED, opnode_op_next(op, FOREVER, &buf, &err));
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OPEN, opnode_engine_shutdown(it, 0));
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

CASE(shutdown_with_a_time_limit) {
  opnode_engine *it = engine(",\"threads\":1");
  opnode_conn *conn = shop(it);
  opnode_op *ops[200];
  for (int i = 0; i < 200; i++) ops[i] = start(conn, STALL, 1);
  /* So many do not end at once. */
  IS(OPNODE_E_TIMEOUT, opnode_engine_shutdown(it, 0));
  IS(OPNODE_OPEN, opnode_engine_shutdown(it, FOREVER));
  for (int i = 0; i < 200; i++) IS(OPNODE_OK, opnode_op_free(ops[i]));
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

static void *waits_for_ready(void *it) {
  uint64_t tag;
  size_t n;
  int32_t status = opnode_ready_wait(it, FOREVER, &tag, 1, &n);
  CHECK(status == OPNODE_E_HANDLE && n == 0);
  return NULL;
}

/* Whoever waits for the engine is let go. */
CASE(engine_gone_while_one_waits) {
  opnode_engine *it = engine("");
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, waits_for_ready, it);
  nap(200);
  finish(it);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

CASE(engine_gone_without_shutdown) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, STALL, 1);
  opnode_buf *buf = NULL;
  IS(OPNODE_OK, opnode_engine_free(it));
  ERR(OPNODE_E_CANCELLED, opnode_op_next(op, FOREVER, &buf, &err));
  IS(OPNODE_OK, opnode_op_free(op));
  ERR(OPNODE_E_USAGE, opnode_op_start(conn, STALL, OPNODE_NTS, 1, &op, &err));
  IS(OPNODE_OK, opnode_conn_free(conn));
}

CASE(panic_is_an_error) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  const char *request = "{\"method\":\"selftest\",\"selftest\":\"panic\"}";
  for (int i = 0; i < 3; i++) free(run(conn, request, OPNODE_E_INTERNAL));
  opnode_op *op = start(conn, request, 1);
  free(drained(op, OPNODE_E_INTERNAL));
  IS(OPNODE_OK, opnode_op_free(op));
  free(run(conn, GOODS(3, ""), OPNODE_OK));
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  char *told = text(buf);
  HAS(told, "selftest");
  HAS(told, "\"level\":\"error\"");
  free(told);
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

CASE(selftest_must_be_allowed) {
  opnode_engine *it = NULL;
  opnode_conn *conn = NULL;
  char cfg[500];
  snprintf(cfg, sizeof cfg, "{\"definitions\":[\"%s\"],\"builtin\":false}", env("SHOP_DEFINITIONS"));
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, cfg, OPNODE_NTS, NULL, &it, &err));
  conn = shop(it);
  free(run(conn, STALL, OPNODE_E_USAGE));
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}

/* ---- fork ---- */

static int dropped;
static void drops(void *user_data) { (*(int *)user_data)++; }

/* The child's checks exit with 1 and say so on stderr, which the harness sees. */
static void child(opnode_engine *it, opnode_conn *conn, opnode_op *op, opnode_buf *buf, opnode_error *error) {
  opnode_engine *engine_out = (opnode_engine *)8;
  opnode_conn *conn_out = (opnode_conn *)8;
  opnode_op *op_out = (opnode_op *)8;
  opnode_buf *out = (opnode_buf *)8;
  opnode_error *told = (opnode_error *)8;
  opnode_progress progress = {0};
  opnode_hooks hooks = {0};
  uint64_t tag = 0;
  size_t n = 7;
  progress.struct_size = sizeof progress;
  hooks.struct_size = sizeof hooks;
  hooks.user_data = &dropped;
  hooks.drop = drops;
  CHECK(opnode_abi_version() == OPNODE_ABI_VERSION);
  CHECK(opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, &hooks, &engine_out, &told) == F);
  CHECK(engine_out == NULL && told == NULL && dropped == 1);
  CHECK(opnode_engine_shutdown(it, 0) == F);
  CHECK(opnode_ready_wait(it, FOREVER, &tag, 1, &n) == F && n == 0);
  CHECK(opnode_events_take(it, &out, NULL) == F && out == NULL);
  CHECK(opnode_definitions_load(it, "{}", 2, NULL) == F);
  CHECK(opnode_describe_connectors(it, &out, NULL) == F);
  CHECK(opnode_describe_templates(it, NULL, 0, NULL, 0, &out, NULL) == F);
  CHECK(opnode_describe_template(it, NULL, 0, "x", 1, &out, NULL) == F);
  CHECK(opnode_conn_open(it, "{}", 2, &conn_out, NULL) == F && conn_out == NULL);
  out = (opnode_buf *)8;
  CHECK(opnode_run(conn, STALL, OPNODE_NTS, FOREVER, &out, NULL) == F && out == NULL);
  CHECK(opnode_op_start(conn, STALL, OPNODE_NTS, 1, &op_out, NULL) == F && op_out == NULL);
  CHECK(opnode_op_write(op, "[]", 2, 0, FOREVER, NULL) == F);
  out = (opnode_buf *)8;
  CHECK(opnode_op_next(op, FOREVER, &out, NULL) == F && out == NULL);
  CHECK(opnode_op_progress(op, &progress) == F);
  CHECK(opnode_op_report(op, &out, NULL) == F);
  CHECK(opnode_op_cancel(op) == F);
  n = 7;
  CHECK(opnode_buf_data(buf, &n) == NULL && n == 0);
  CHECK(opnode_buf_count(buf) == 0);
  CHECK(opnode_buf_item(buf, 0, NULL) == NULL);
  n = 7;
  CHECK(opnode_error_message(error, &n) == NULL && n == 0);
  CHECK(opnode_error_json(error, NULL) == NULL);
  CHECK(opnode_op_free(op) == F && opnode_conn_free(conn) == F && opnode_buf_free(buf) == F);
  CHECK(opnode_error_free(error) == F && opnode_engine_free(it) == F);
  _exit(0);
}

CASE(fork_child) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(30, ""), 1), *wrong = NULL;
  opnode_buf *buf = NULL;
  opnode_error *error = NULL;
  ERR(OPNODE_OK, opnode_op_next(op, FOREVER, &buf, &err));
  CHECK(opnode_op_start(conn, "{}", 2, 1, &wrong, &error) == OPNODE_E_USAGE);
  pid_t pid = fork();
  if (pid == 0) child(it, conn, op, buf, error);
  int status = 0;
  CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  /* The parent has noticed nothing. */
  free(drained(op, OPNODE_DONE));
  IS(OPNODE_OK, opnode_buf_free(buf));
  IS(OPNODE_OK, opnode_error_free(error));
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OK, opnode_conn_free(conn));
  finish(it);
}
