/* Ends: cancelling, freeing running operations, shutdowns, panics. */
#include <fcntl.h>

#include "suite.h"

static void *frees_later(void *op) {
  nap(150);
  IS(OPNODE_OK, opnode_op_free(op));
  return NULL;
}

/* The running call ends and uses nothing that was freed. */
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
  leave(it, conn);
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
  TOLD(op, "\"state\":\"cancelled\"");
  IS(OPNODE_OK, opnode_op_free(op));
  op = start(conn, GOODS(30, ",\"trouble\":\"slow-500\""), 1);
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_E_CANCELLED));
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
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
  TOLD(op, "\"pages\":1");
  opnode_progress progress = {0};
  progress.struct_size = sizeof progress;
  IS(OPNODE_OK, opnode_op_progress(op, &progress));
  CHECK(progress.state == OPNODE_STATE_CANCELLED && progress.items_out == 10);
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
}

/* All pages have arrived, but not all items were delivered: a cancel does not change the end. */
CASE(cancel_after_all_pages_arrived) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"count\":30},\"batch\":{\"items\":1}}", 1);
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_op_next(op, FOREVER, &buf, &err));
  IS(OPNODE_OK, opnode_buf_free(buf));
  nap(200);
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_E_CANCELLED));
  TOLD(op, "\"state\":\"cancelled\"");
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
}

CASE(cancel_after_the_end) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(3, ""), 1);
  free(drained(op, OPNODE_DONE));
  IS(OPNODE_OK, opnode_op_cancel(op));
  free(drained(op, OPNODE_DONE));
  TOLD(op, "\"state\":\"done\"");
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
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
  /* Nothing can be started; existing handles can be read. */
  ERR(OPNODE_E_USAGE, opnode_op_start(conn, STALL, OPNODE_NTS, 1, &next, &err));
  ERR(OPNODE_E_USAGE, opnode_run(conn, STALL, OPNODE_NTS, 0, &buf, &err));
  ERR(OPNODE_E_USAGE, opnode_conn_open(it, "{\"connector\":\"shop\"}", OPNODE_NTS, &late, &err));
  CHECK(next == NULL && late == NULL);
  ERR(OPNODE_E_CANCELLED, opnode_op_next(op, FOREVER, &buf, &err));
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OPEN, opnode_engine_shutdown(it, 0));
  leave(it, conn);
}

/* This many operations do not end at once, unless this thread is suspended. */
CASE(shutdown_with_a_time_limit) {
  int32_t status = OPNODE_OPEN;
  for (int round = 0; round < 20 && status == OPNODE_OPEN; round++) {
    opnode_engine *it = engine(",\"threads\":1");
    opnode_conn *conn = shop(it);
    opnode_op *ops[200];
    for (int i = 0; i < 200; i++) ops[i] = start(conn, STALL, 1);
    status = opnode_engine_shutdown(it, 0);
    IS(OPNODE_OPEN, opnode_engine_shutdown(it, FOREVER));
    for (int i = 0; i < 200; i++) IS(OPNODE_OK, opnode_op_free(ops[i]));
    IS(OPNODE_OK, opnode_conn_free(conn));
    finish(it);
  }
  CHECK(status == OPNODE_E_TIMEOUT);
}

static void *waits_for_ready(void *it) {
  uint64_t tag;
  size_t n;
  int32_t status = opnode_ready_wait(it, FOREVER, &tag, 1, &n);
  CHECK(status == OPNODE_E_HANDLE && n == 0);
  return NULL;
}

/* Threads that wait for the engine return. */
CASE(engine_freed_while_a_thread_waits) {
  opnode_engine *it = engine("");
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, waits_for_ready, it);
  nap(200);
  finish(it);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

CASE(engine_freed_without_shutdown) {
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
  leave(it, conn);
}

CASE(selftest_must_be_allowed) {
  opnode_engine *it = NULL;
  opnode_conn *conn = NULL;
  char cfg[500];
  snprintf(cfg, sizeof cfg, "{\"definitions\":[\"%s\"],\"builtin\":false}", env("SHOP_DEFINITIONS"));
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, cfg, OPNODE_NTS, NULL, &it, &err));
  conn = shop(it);
  free(run(conn, STALL, OPNODE_E_USAGE));
  leave(it, conn);
}

/* ---- secrets in memory ---- */

/* Stores a needle encoded, so that the search does not find it here. */
static unsigned char needles[3][100];
static size_t lengths[3];

static void hide(int which, const char *text) {
  lengths[which] = strlen(text);
  for (size_t i = 0; i < lengths[which]; i++) needles[which][i] = (unsigned char)text[i] ^ 0x55;
}

static int is_there(const unsigned char *at, int which) {
  for (size_t i = 0; i < lengths[which]; i++)
    if ((at[i] ^ 0x55) != needles[which][i]) return 0;
  return 1;
}

/* How often a needle is in this process's writable memory, including the heaps of the library and the C library, and stacks of ended threads. */
static int found(int which) {
  int times = 0, memory = open("/proc/self/mem", O_RDONLY);
  FILE *maps = fopen("/proc/self/maps", "r");
  CHECK(memory >= 0 && maps);
  char line[500], rights[8];
  unsigned long from, to;
  static unsigned char part[1 << 16];
  while (fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3 || rights[1] != 'w') continue;
    for (unsigned long at = from; at < to; at += sizeof part - 100) {
      ssize_t got = pread(memory, part, to - at < sizeof part ? to - at : sizeof part, (off_t)at);
      for (ssize_t i = 0; i + (ssize_t)lengths[which] <= got; i++) times += is_there(part + i, which);
    }
    memset(part, 0, sizeof part);
  }
  fclose(maps);
  close(memory);
  return times;
}

CASE(closed_connections_leave_no_secret) {
  /* Created here, so that it is not in the program's text. */
  char key[40], pair[60], base64[100], spec[400];
  snprintf(key, sizeof key, "s3cret%dk%ldz", getpid(), (long)now_ms());
  snprintf(pair, sizeof pair, "free:%s", key);
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t n = 0;
  for (size_t i = 0; i + 2 < strlen(pair); i += 3) {
    unsigned bits = (unsigned)pair[i] << 16 | (unsigned)pair[i + 1] << 8 | (unsigned)pair[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) base64[n++] = letters[bits >> shift & 63];
  }
  base64[n] = 0;
  hide(0, key);
  hide(1, base64);
  snprintf(spec, sizeof spec, "{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"%s\",\"user\":\"free\",\"apiKey\":\"%s\"}}", env("SHOP"), key);
  hide(2, "this is found, or the search is wrong");
  char *control = strdup("this is found, or the search is wrong");
  opnode_engine *it = engine("");
  opnode_conn *conn = NULL;
  ERR(OPNODE_OK, opnode_conn_open(it, spec, OPNODE_NTS, &conn, &err));
  memset(spec, 0, sizeof spec);
  memset(key, 0, sizeof key);
  memset(pair, 0, sizeof pair);
  memset(base64, 0, sizeof base64);
  free(run(conn, GOODS(30, ""), OPNODE_OK));
  free(run(conn, ADD("[{\"name\":\"a\"}]"), OPNODE_OK));
  free(run(conn, GOODS(30, ",\"trouble\":\"status-500\""), OPNODE_E_UNAVAILABLE));
  CHECK(found(2) > 0 && found(0) > 0);
  leave(it, conn);
  all_is_over();
  CHECK(found(2) > 0);
  free(control);
  if (found(0) + found(1) > 0) suite_fail(__FILE__, __LINE__, "a secret is left in memory", found(0), NULL);
}
