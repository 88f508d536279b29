/* Requests with many items: starting them copies the items, and the engine's threads check them. Also the report of opnode_run_report. */
#include "suite.h"

static opnode_engine *it;
static opnode_conn *conn;

static void open_all(void) {
  it = engine("");
  conn = shop(it);
}

static void close_all(void) {
  leave(it, conn);
}

/* A write of `count` items; the last one is given. */
static char *request_of(int count, const char *last, const char *more) {
  char *text = malloc(60 * (size_t)count + 500), *end = text;
  end += sprintf(end, "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"items\":[");
  for (int i = 1; i < count; i++) end += sprintf(end, "{\"name\":\"%08d\"},", i);
  sprintf(end, "%s]%s}", last, more);
  return text;
}

#define GOOD "{\"name\":\"z\"}"

/* One byte below the limit and at it. Both are written in the same way. */
CASE(large_requests_are_written) {
  open_all();
  for (size_t size = (64 << 10) - 1; size <= 64 << 10; size++) {
    char *text = request_of(20, GOOD, ""), *padded = malloc(size + 1);
    memset(padded, ' ', size);
    memcpy(padded, text, strlen(text));
    padded[size] = 0;
    opnode_op *op = start(conn, padded, 1);
    memset(padded, 'x', size); /* copied */
    char *all = drained(op, OPNODE_DONE);
    HAS(all, "\"index\":19");
    TOLD(op, "\"applied\":[[0,19]]");
    TOLD(op, "\"operation\":\"addGood\"");
    IS(OPNODE_OK, opnode_op_free(op));
    free(all), free(text), free(padded);
  }
  close_all();
}

/* The same faults and statuses: from the start for a small request, from the first batch for a large one. Nothing was sent. */
CASE(large_requests_with_faults) {
  struct { const char *last, *more; int32_t status; const char *words; } faults[] = {
      {"{\"name\":7}", "", OPNODE_E_INVALID_ITEMS, "name"},
      {"{\"name\"", "", OPNODE_E_USAGE, "the request"},
      {GOOD, ",\"itms\":[]", OPNODE_E_USAGE, "itms"},
      {GOOD, ",\"batch\":{\"items\":0}", OPNODE_E_USAGE, "batch"},
      {GOOD, ",\"stream\":true", OPNODE_E_USAGE, "not both"},
      {GOOD, ",\"options\":{\"colour\":1}", OPNODE_E_INVALID_OPTIONS, "colour"},
  };
  open_all();
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    char *small = request_of(3, faults[i].last, faults[i].more), *large = request_of(5000, faults[i].last, faults[i].more);
    opnode_op *op = (opnode_op *)8;
    opnode_buf *buf = NULL;
    CHECK(strlen(small) < 64 << 10 && strlen(large) > 64 << 10);
    int32_t at_once = opnode_op_start(conn, small, OPNODE_NTS, 1, &op, &err);
    if (at_once != faults[i].status) suite_fail(__FILE__, __LINE__, small, at_once, opnode_error_message(err, NULL));
    CHECK(op == NULL);
    char *json = failure(err);
    HAS(json, faults[i].words);
    free(json);
    op = start(conn, large, 1);
    CHECK(opnode_op_next(op, FOREVER, &buf, &err) == faults[i].status && buf == NULL);
    json = failure(err);
    HAS(json, faults[i].words);
    free(json);
    ERR(faults[i].status, opnode_op_next(op, FOREVER, &buf, &err));
    TOLD(op, "\"state\":\"failed\"");
    opnode_progress progress = {.struct_size = sizeof progress};
    IS(OPNODE_OK, opnode_op_progress(op, &progress));
    CHECK(progress.state == OPNODE_STATE_FAILED && progress.requests == 0);
    IS(OPNODE_OK, opnode_op_free(op));
    free(small), free(large);
  }
  close_all();
}

/* Faults of the call itself are refused at once, also for a large request. */
CASE(large_requests_that_are_refused_at_once) {
  open_all();
  char *text = request_of(5000, GOOD, "");
  opnode_op *op = NULL;
  ERR(OPNODE_E_USAGE, opnode_op_start(conn, text, OPNODE_NTS, 0, &op, &err));
  ERR(OPNODE_E_HANDLE, opnode_op_start((opnode_conn *)it, text, OPNODE_NTS, 1, &op, &err));
  text[strlen(text) - 20] = '\xff';
  ERR(OPNODE_E_USAGE, opnode_op_start(conn, text, OPNODE_NTS, 1, &op, &err));
  text[strlen(text) - 20] = '0';
  IS(OPNODE_OPEN, opnode_engine_shutdown(it, FOREVER));
  ERR(OPNODE_E_USAGE, opnode_op_start(conn, text, OPNODE_NTS, 1, &op, &err));
  CHECK(op == NULL);
  free(text);
  close_all();
}

/* Cancelled, freed and shut down while they are checked. */
CASE(large_requests_that_are_cancelled) {
  open_all();
  char *text = request_of(20000, GOOD, "");
  opnode_op *ops[6];
  for (uint64_t i = 0; i < 6; i++) ops[i] = start(conn, text, i + 1);
  IS(OPNODE_OK, opnode_op_cancel(ops[0]));
  IS(OPNODE_OK, opnode_op_free(ops[1]));
  char *all = drained(ops[0], OPNODE_E_CANCELLED);
  HAS(all, "\"index\":19999");
  free(all);
  IS(OPNODE_OPEN, opnode_engine_shutdown(it, FOREVER));
  for (int i = 0; i < 6; i++) IS(i == 1 ? OPNODE_E_HANDLE : OPNODE_OK, opnode_op_free(ops[i]));
  free(text);
  close_all();
}

/* A large request may also be a stream; the tag arrives when it is ready. */
CASE(large_requests_that_stream) {
  open_all();
  char *text = malloc(70 << 10);
  memset(text, ' ', 70 << 10);
  memcpy(text, STREAM, strlen(STREAM));
  text[(70 << 10) - 1] = 0;
  opnode_op *op = start(conn, text, 9);
  opnode_buf *buf = NULL;
  uint64_t tag = 0;
  size_t n = 0;
  ERR(OPNODE_OK, opnode_op_write(op, "[{\"name\":\"a\"},{\"name\":\"b\"}]", OPNODE_NTS, OPNODE_LAST, FOREVER, &err));
  if (opnode_op_next(op, 0, &buf, NULL) == OPNODE_AGAIN) {
    do IS(OPNODE_OK, opnode_ready_wait(it, 20000, &tag, 1, &n));
    while (tag == 0);
    CHECK(tag == 9);
  } else {
    IS(OPNODE_OK, opnode_buf_free(buf));
  }
  free(drained(op, OPNODE_DONE));
  TOLD(op, "\"applied\":[[0,1]]");
  IS(OPNODE_OK, opnode_op_free(op));
  memcpy(text, EMIT(1), strlen(EMIT(1)));
  memset(text + strlen(EMIT(1)), ' ', 200);
  op = start(conn, text, 9);
  ERR(OPNODE_E_USAGE, opnode_op_write(op, "[]", 2, 0, FOREVER, &err));
  IS(OPNODE_OK, opnode_op_free(op));
  free(text);
  close_all();
}

/* ---- opnode_run_report ---- */

static char *told(const char *request, int64_t timeout_ms, int32_t end, char **answer) {
  opnode_buf *buf = (opnode_buf *)8, *report = (opnode_buf *)8;
  ERR(end, opnode_run_report(conn, request, OPNODE_NTS, timeout_ms, &buf, &report, &err));
  *answer = buf ? text(buf) : NULL;
  return report ? text(report) : NULL;
}

CASE(run_with_a_report) {
  char *answer;
  open_all();
  char *report = told(GOODS(30, ""), FOREVER, OPNODE_OK, &answer);
  HAS(answer, "Good 30");
  HAS(report, "\"state\":\"done\"");
  HAS(report, "\"pages\":3");
  HAS(report, "\"items\":30");
  HAS(report, "\"complete\":true");
  free(answer), free(report);
  report = told(ADD("[{\"name\":\"a\"},{\"name\":\"Refused\"},{\"name\":\"c\"}]"), FOREVER, OPNODE_E_PARTIAL, &answer);
  HAS(answer, "\"status\":\"failed\"");
  HAS(report, "\"applied\":[[0,0],[2,2]]");
  HAS(report, "\"failed\":[[1,1]]");
  HAS(report, "\"kind\":\"partial\"");
  free(answer), free(report);
  close_all();
}

/* Also without an answer. */
CASE(run_with_a_report_of_a_failure) {
  char *answer;
  open_all();
  char *report = told(GOODS(30, ",\"trouble\":\"second-500\""), FOREVER, OPNODE_E_UNAVAILABLE, &answer);
  CHECK(answer == NULL);
  HAS(report, "\"state\":\"failed\"");
  HAS(report, "\"pages\":1");
  HAS(report, "\"requests\":2");
  HAS(report, "\"kind\":\"unavailable\"");
  free(report);
  report = told(GOODS(30, ",\"trouble\":\"stall-second\""), 500, OPNODE_E_TIMEOUT, &answer);
  CHECK(answer == NULL);
  HAS(report, "\"state\":\"cancelled\"");
  HAS(report, "\"pages\":1");
  free(report);
  report = told("{\"method\":\"query\",\"operationId\":\"listGoods\",\"runBytes\":200}", FOREVER, OPNODE_E_LIMIT, &answer);
  CHECK(answer == NULL);
  HAS(report, "\"state\":\"");
  LACKS(report, "running");
  free(report);
  CHECK(told("{\"method\":\"query\",\"operationId\":\"nothing\"}", FOREVER, OPNODE_E_UNKNOWN_OPERATION, &answer) == NULL && answer == NULL);
  /* The report may be NULL; the answer must not. */
  opnode_buf *buf = NULL, *kept = (opnode_buf *)8;
  ERR(OPNODE_OK, opnode_run_report(conn, GOODS(3, ""), OPNODE_NTS, FOREVER, &buf, NULL, &err));
  IS(OPNODE_OK, opnode_buf_free(buf));
  ERR(OPNODE_E_MISUSE, opnode_run_report(conn, GOODS(3, ""), OPNODE_NTS, FOREVER, NULL, &kept, &err));
  CHECK(kept == NULL);
  close_all();
}
