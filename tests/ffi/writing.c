/* Writes: outcomes, streams of items, and the results of an interrupted write. */
#include "suite.h"

static opnode_engine *it;
static opnode_conn *conn;

static void open_all(const char *limits) {
  it = engine("");
  conn = shop_with(it, limits);
}

static void close_all(void) {
  leave(it, conn);
}

#define ONE "\"attempts\":1"

CASE(write_all) {
  open_all(ONE);
  opnode_op *op = start(conn, ADD("[{\"name\":\"a\",\"price\":1.50},{\"name\":\"b\"},{\"name\":\"c\"}]"), 1);
  char *all = drained(op, OPNODE_DONE);
  const char *parts[] = {"\"index\":0", "\"index\":2", "\"status\":\"ok\"", "\"http_status\":201", "\"price\":1.50", "\"attempts\":1"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) HAS(all, parts[i]);
  free(all);
  TOLD(op, "\"applied\":[[0,2]]");
  TOLD(op, "\"notSent\":[]");
  opnode_progress progress = {0};
  progress.struct_size = sizeof progress;
  IS(OPNODE_OK, opnode_op_progress(op, &progress));
  CHECK(progress.items_in == 3 && progress.items_out == 3 && progress.requests == 3 && progress.state == OPNODE_STATE_DONE);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(partial) {
  open_all(ONE);
  const char *request = ADD("[{\"name\":\"a\"},{\"name\":\"Refused\"},{\"name\":\"c\"}]");
  char *all = run(conn, request, OPNODE_E_PARTIAL);
  HAS(all, "\"index\":2");
  HAS(all, "\"status\":\"failed\"");
  HAS(all, "the name is taken");
  free(all);
  opnode_op *op = start(conn, request, 1);
  all = drained(op, OPNODE_E_PARTIAL);
  HAS(all, "\"index\":2");
  free(all);
  TOLD(op, "\"applied\":[[0,0],[2,2]]");
  TOLD(op, "\"failed\":[[1,1]]");
  TOLD(op, "\"kind\":\"partial\"");
  IS(OPNODE_OK, opnode_op_free(op));
  /* All items failed: their own error, and no outcomes from opnode_run. */
  free(run(conn, ADD("[{\"name\":\"Refused\"}]"), OPNODE_E_REJECTED));
  close_all();
}

CASE(unknown_outcome) {
  open_all(ONE);
  char *all = run(conn, ADD("[{\"name\":\"a\"},{\"name\":\"Lost\"}]"), OPNODE_E_UNKNOWN_OUTCOME);
  HAS(all, "\"status\":\"unknown\"");
  HAS(all, "\"index\":1");
  free(all);
  /* A write that the host's time limit interrupts. */
  opnode_buf *buf = NULL;
  ERR(OPNODE_E_UNKNOWN_OUTCOME, opnode_run(conn, ADD("[{\"name\":\"a\"},{\"name\":\"Stall\"}]"), OPNODE_NTS, 300, &buf, &err));
  CHECK(opnode_buf_count(buf) == 2);
  IS(OPNODE_OK, opnode_buf_free(buf));
  close_all();
}

CASE(stop_on_error) {
  open_all(ONE ",\"concurrency\":1");
  const char *form = "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"stopOnError\":true,\"items\":[{\"name\":\"a\"},{\"name\":\"Refused\"},{\"name\":\"c\"}]}";
  char *all = run(conn, form, OPNODE_E_PARTIAL);
  HAS(all, "\"status\":\"skipped\"");
  free(all);
  close_all();
}

CASE(delete_by_options_and_items) {
  open_all(ONE);
  char *all = run(conn, "{\"method\":\"delete\",\"operationId\":\"removeGood\",\"options\":{\"id\":7}}", OPNODE_OK);
  HAS(all, "\"http_status\":204");
  free(all);
  all = run(conn, "{\"method\":\"delete\",\"operationId\":\"removeGood\",\"items\":[{\"id\":7},{\"id\":777}]}", OPNODE_E_PARTIAL);
  HAS(all, "\"http_status\":404");
  free(all);
  free(run(conn, "{\"method\":\"delete\",\"operationId\":\"removeGood\",\"options\":{\"id\":777}}", OPNODE_E_NOT_FOUND));
  close_all();
}

CASE(items_that_do_not_fit) {
  open_all(ONE);
  opnode_op *op = NULL;
  ERR(OPNODE_E_INVALID_ITEMS, opnode_op_start(conn, ADD("[{\"price\":1}]"), OPNODE_NTS, 1, &op, &err));
  ERR(OPNODE_E_INVALID_ITEMS, opnode_op_start(conn, ADD("{\"name\":\"a\"}"), OPNODE_NTS, 1, &op, &err));
  ERR(OPNODE_E_INVALID_ITEMS, opnode_op_start(conn, ADD("7"), OPNODE_NTS, 1, &op, &err));
  const char *none = "{\"method\":\"mutate\",\"operationId\":\"addGood\"}";
  ERR(OPNODE_E_INVALID_ITEMS, opnode_op_start(conn, none, OPNODE_NTS, 1, &op, &err));
  const char *both = "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"stream\":true,\"items\":[]}";
  ERR(OPNODE_E_USAGE, opnode_op_start(conn, both, OPNODE_NTS, 1, &op, &err));
  CHECK(op == NULL);
  close_all();
}

CASE(stream) {
  open_all(ONE);
  opnode_op *op = start(conn, STREAM, 1);
  ERR(OPNODE_OK, opnode_op_write(op, "[{\"name\":\"a\"},{\"name\":\"b\"}]", OPNODE_NTS, 0, 5000, &err));
  ERR(OPNODE_OK, opnode_op_write(op, "{\"name\":\"c\"}\n\n{\"name\":\"d\"}\n", OPNODE_NTS, 0, 5000, &err));
  ERR(OPNODE_OK, opnode_op_write(op, "[]", 2, 0, 0, &err));
  ERR(OPNODE_OK, opnode_op_write(op, "", 0, 0, 0, &err));
  ERR(OPNODE_OK, opnode_op_write(op, NULL, 0, 0, 0, &err));
  /* Not JSON, not UTF-8, unknown flags: refused, and the operation continues. */
  ERR(OPNODE_E_INVALID_ITEMS, opnode_op_write(op, "[{\"name\":", OPNODE_NTS, 0, 0, &err));
  ERR(OPNODE_E_INVALID_ITEMS, opnode_op_write(op, "{\"name\":\"x\"}\nnot json", OPNODE_NTS, OPNODE_LAST, 0, &err));
  ERR(OPNODE_E_USAGE, opnode_op_write(op, "\xff", 1, 0, 0, &err));
  ERR(OPNODE_E_USAGE, opnode_op_write(op, "[]", 2, 2, 0, &err));
  ERR(OPNODE_OK, opnode_op_write(op, "{\"name\":\"e\"}", OPNODE_NTS, OPNODE_LAST, 5000, &err));
  ERR(OPNODE_E_USAGE, opnode_op_write(op, "[]", 2, 0, 0, &err));
  char *all = drained(op, OPNODE_DONE);
  HAS(all, "\"index\":4");
  LACKS(all, "\"index\":5");
  free(all);
  ERR(OPNODE_E_USAGE, opnode_op_write(op, "[]", 2, 0, 0, &err));
  TOLD(op, "\"applied\":[[0,4]]");
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(stream_without_items) {
  open_all(ONE);
  opnode_op *op = start(conn, STREAM, 1);
  ERR(OPNODE_OK, opnode_op_write(op, NULL, OPNODE_NTS, OPNODE_LAST, FOREVER, &err));
  char *all = drained(op, OPNODE_DONE);
  CHECK(*all == 0);
  free(all);
  IS(OPNODE_OK, opnode_op_free(op));
  op = start(conn, GOODS(3, ""), 1);
  ERR(OPNODE_E_USAGE, opnode_op_write(op, "[]", 2, 0, 0, &err));
  free(drained(op, OPNODE_DONE));
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(stream_is_full) {
  open_all(ONE ",\"concurrency\":1");
  opnode_op *op = start(conn, STREAM, 1);
  int taken = 0;
  int32_t status;
  while ((status = opnode_op_write(op, "{\"name\":\"Slow\"}", OPNODE_NTS, 0, 0, &err)) == OPNODE_OK) CHECK(++taken < 10);
  ERR(OPNODE_AGAIN, status);
  CHECK(taken >= 2);
  /* The queue gets room, whether outcomes are taken or not. */
  ERR(OPNODE_OK, opnode_op_write(op, "{\"name\":\"Slow\"}", OPNODE_NTS, 0, FOREVER, &err));
  taken++;
  while ((status = opnode_op_write(op, NULL, 0, OPNODE_LAST, 0, &err)) == OPNODE_AGAIN) nap(10);
  ERR(OPNODE_OK, status);
  free(drained(op, OPNODE_DONE));
  opnode_progress progress = {0};
  progress.struct_size = sizeof progress;
  IS(OPNODE_OK, opnode_op_progress(op, &progress));
  CHECK(progress.items_in == taken && progress.items_out == taken && progress.requests == taken);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(stream_with_items_that_do_not_fit) {
  open_all(ONE);
  opnode_op *op = start(conn, STREAM, 1);
  ERR(OPNODE_OK, opnode_op_write(op, "{\"name\":\"a\"}", OPNODE_NTS, 0, 5000, &err));
  ERR(OPNODE_OK, opnode_op_write(op, "{\"price\":7}", OPNODE_NTS, OPNODE_LAST, 5000, &err));
  char *all = drained(op, OPNODE_E_INVALID_ITEMS);
  HAS(all, "\"index\":0");
  free(all);
  TOLD(op, "\"applied\":[[0,0]]");
  TOLD(op, "\"notSent\":[[1,1]]");
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(stream_in_one_request) {
  open_all(ONE);
  opnode_op *op = start(conn, "{\"method\":\"mutate\",\"operationId\":\"replaceGoods\",\"stream\":true}", 1);
  for (int i = 0; i < 5; i++) ERR(OPNODE_OK, opnode_op_write(op, "[{\"name\":\"a\"},{\"name\":\"b\"}]", OPNODE_NTS, 0, 5000, &err));
  ERR(OPNODE_OK, opnode_op_write(op, NULL, 0, OPNODE_LAST, 5000, &err));
  char *all = drained(op, OPNODE_DONE);
  HAS(all, "\"index\":9");
  free(all);
  opnode_progress progress = {0};
  progress.struct_size = sizeof progress;
  IS(OPNODE_OK, opnode_op_progress(op, &progress));
  CHECK(progress.requests == 1 && progress.items_in == 10);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(outcomes_in_batches) {
  open_all(ONE);
  const char *form = "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"batch\":{\"items\":2},\"items\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},"
                     "{\"name\":\"d\"},{\"name\":\"e\"}]}";
  opnode_op *op = start(conn, form, 1);
  opnode_buf *buf = NULL;
  size_t all = 0;
  while (opnode_op_next(op, FOREVER, &buf, &err) == OPNODE_OK) {
    CHECK(opnode_buf_count(buf) >= 1 && opnode_buf_count(buf) <= 2);
    all += opnode_buf_count(buf);
    IS(OPNODE_OK, opnode_buf_free(buf));
  }
  CHECK(all == 5);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

/* The report counts items that took effect, were refused, are unknown, and were not sent. */
CASE(cancel_within_a_write) {
  open_all(ONE ",\"concurrency\":1");
  opnode_op *op = start(conn, ADD("[{\"name\":\"a\"},{\"name\":\"Refused\"},{\"name\":\"Stall\"},{\"name\":\"d\"},{\"name\":\"e\"}]"), 1);
  opnode_progress progress = {0};
  progress.struct_size = sizeof progress;
  do {
    nap(20);
    IS(OPNODE_OK, opnode_op_progress(op, &progress));
  } while (progress.items_out < 2);
  nap(200);
  IS(OPNODE_OK, opnode_op_cancel(op));
  IS(OPNODE_OK, opnode_op_cancel(op));
  char *all = drained(op, OPNODE_E_UNKNOWN_OUTCOME);
  HAS(all, "\"index\":4");
  HAS(all, "\"status\":\"skipped\"");
  free(all);
  TOLD(op, "\"state\":\"cancelled\"");
  TOLD(op, "\"applied\":[[0,0]]");
  TOLD(op, "\"failed\":[[1,1]]");
  TOLD(op, "\"unknown\":[[2,2]]");
  TOLD(op, "\"notSent\":[[3,4]]");
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

/* Without calls of opnode_op_next: a cancel does not lose outcomes beyond the queue. */
CASE(cancel_keeps_all_outcomes) {
  open_all(ONE ",\"concurrency\":1");
  char request[3000] = "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"batch\":{\"items\":1},\"items\":[";
  for (int i = 0; i < 50; i++) strcat(request, i ? ",{\"name\":\"a\"}" : "{\"name\":\"a\"}");
  strcat(request, "]}");
  opnode_op *op = start(conn, request, 1);
  nap(300);
  IS(OPNODE_OK, opnode_op_cancel(op));
  nap(100);
  opnode_buf *buf = NULL;
  size_t all = 0;
  while (opnode_op_next(op, FOREVER, &buf, NULL) == OPNODE_OK) {
    all += opnode_buf_count(buf);
    IS(OPNODE_OK, opnode_buf_free(buf));
  }
  CHECK(all == 50);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

/* A stream whose item in flight was interrupted: unknown takes precedence over cancelled. */
CASE(cancel_within_a_stream) {
  open_all(ONE ",\"concurrency\":1");
  opnode_op *op = start(conn, STREAM, 1);
  ERR(OPNODE_OK, opnode_op_write(op, "[{\"name\":\"a\"},{\"name\":\"Stall\"}]", OPNODE_NTS, 0, 5000, &err));
  /* Waits until the first is done; then the second is in flight soon. */
  char *told = report(op);
  for (int64_t end = now_ms() + 20000; !strstr(told, "\"applied\":[[0,0]]") && now_ms() < end; told = report(op)) {
    free(told);
    nap(20);
  }
  free(told);
  nap(400);
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_E_UNKNOWN_OUTCOME));
  told = report(op);
  HAS(told, "\"applied\":[[0,0]]");
  HAS(told, "\"unknown\":[[1,1]]");
  free(told);
  IS(OPNODE_OK, opnode_op_free(op));
  /* A stream that only waits for its host. */
  op = start(conn, STREAM, 1);
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_E_CANCELLED));
  ERR(OPNODE_E_CANCELLED, opnode_op_write(op, "[]", 2, 0, 0, &err));
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}
