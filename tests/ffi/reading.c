/* Queries: batches, waiting and notifications. */
#include "suite.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <fcntl.h>

static opnode_engine *it;
static opnode_conn *conn;

static void open_all(const char *more) {
  it = engine(more);
  conn = shop(it);
}

static void close_all(void) {
  leave(it, conn);
}

CASE(read_all) {
  open_all("");
  opnode_op *op = start(conn, GOODS(25, ""), 1);
  size_t batches = 0, items = 0;
  opnode_buf *buf = NULL;
  while (opnode_op_next(op, FOREVER, &buf, &err) == OPNODE_OK) {
    size_t len = 0, total = 0;
    const char *all = opnode_buf_data(buf, &len);
    CHECK(all[0] == '[' && all[len - 1] == ']' && all[len] == 0);
    for (size_t i = 0; i < opnode_buf_count(buf); i++) {
      size_t own = 0;
      const char *item = opnode_buf_item(buf, i, &own);
      char expected[100];
      int written = snprintf(expected, sizeof expected, "{\"id\":%zu,\"name\":\"Good %zu\",\"price\":%zu.10}", items + i + 1, items + i + 1, items + i + 1);
      CHECK((size_t)written == own && memcmp(item, expected, own) == 0);
      /* It is part of the whole text, at its position. */
      CHECK(memcmp(all + total + 1, expected, own) == 0);
      CHECK(opnode_buf_item(buf, i, NULL) == item);
      total += own + 1;
    }
    CHECK(total + 1 == len);
    size_t none = 7;
    CHECK(opnode_buf_item(buf, opnode_buf_count(buf), &none) == NULL && none == 0);
    items += opnode_buf_count(buf);
    batches++;
    IS(OPNODE_OK, opnode_buf_free(buf));
  }
  CHECK(buf == NULL && items == 25 && batches == 3);
  char *told = report(op);
  HAS(told, "\"state\":\"done\"");
  HAS(told, "\"operation\":\"listGoods\"");
  LACKS(told, "notSent");
  free(told);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(read_nothing) {
  open_all("");
  opnode_op *op = start(conn, GOODS(0, ""), 1);
  char *all = drained(op, OPNODE_DONE);
  CHECK(*all == 0);
  free(all);
  IS(OPNODE_OK, opnode_op_free(op));
  all = run(conn, GOODS(0, ""), OPNODE_OK);
  CHECK(strcmp(all, "[]") == 0);
  free(all);
  close_all();
}

CASE(read_with_a_limit) {
  open_all("");
  opnode_buf *buf = NULL;
  const char *request = "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"count\":100},\"limit\":17}";
  ERR(OPNODE_OK, opnode_run(conn, request, OPNODE_NTS, FOREVER, &buf, &err));
  CHECK(opnode_buf_count(buf) == 17);
  IS(OPNODE_OK, opnode_buf_free(buf));
  close_all();
}

/* A file goes into a folder, and its item has the path; only for operations that return files. */
CASE(read_a_file) {
  open_all("");
  char folder[] = "/tmp/opnode-files-XXXXXX", request[300], path[100], content[8] = {0};
  CHECK(mkdtemp(folder));
  char *all = run(conn, "{\"method\":\"query\",\"operationId\":\"getSheet\"}", OPNODE_OK);
  HAS(all, "\"data\":\"My4xMA==\"");
  free(all);
  snprintf(request, sizeof request, "{\"method\":\"query\",\"operationId\":\"getSheet\",\"files\":\"%s\"}", folder);
  all = run(conn, request, OPNODE_OK);
  snprintf(path, sizeof path, "%s/prices.txt", folder);
  HAS(all, path);
  free(all);
  FILE *file = fopen(path, "r");
  CHECK(file && fread(content, 1, 7, file) == 4 && strcmp(content, "3.10") == 0);
  fclose(file);
  CHECK(unlink(path) == 0 && rmdir(folder) == 0);
  free(run(conn, "{\"method\":\"query\",\"operationId\":\"listGoods\",\"files\":\"nowhere\"}", OPNODE_E_USAGE));
  close_all();
}

CASE(batches_of_items_and_bytes) {
  open_all("");
  const char *form = "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"count\":25},\"batch\":{%s}}";
  const char *limits[] = {"\"items\":4", "\"bytes\":100", "\"items\":1000", "\"bytes\":1", "\"items\":3,\"bytes\":10000"};
  size_t wanted[] = {4, 2, 10, 1, 3};
  for (int i = 0; i < 5; i++) {
    char request[300];
    snprintf(request, sizeof request, form, limits[i]);
    opnode_op *op = start(conn, request, 1);
    opnode_buf *buf = NULL;
    size_t all = 0;
    while (opnode_op_next(op, FOREVER, &buf, &err) == OPNODE_OK) {
      CHECK(opnode_buf_count(buf) >= 1 && opnode_buf_count(buf) <= wanted[i]);
      if (all == 0) CHECK(opnode_buf_count(buf) == wanted[i]);
      all += opnode_buf_count(buf);
      IS(OPNODE_OK, opnode_buf_free(buf));
    }
    CHECK(all == 25);
    IS(OPNODE_OK, opnode_op_free(op));
  }
  const char *wrong[] = {"\"items\":0", "\"bytes\":0", "\"rows\":1", "\"items\":-1"};
  for (int i = 0; i < 4; i++) {
    char request[300];
    opnode_op *op = NULL;
    snprintf(request, sizeof request, form, wrong[i]);
    ERR(OPNODE_E_USAGE, opnode_op_start(conn, request, OPNODE_NTS, 1, &op, &err));
  }
  close_all();
}

/* Pages are not read ahead without calls of opnode_op_next. */
CASE(no_read_ahead_without_next) {
  open_all("");
  opnode_op *op = start(conn, GOODS(1000, ""), 1);
  opnode_progress progress = {0};
  progress.struct_size = sizeof progress;
  for (int64_t end = now_ms() + 20000; progress.requests < 2 && now_ms() < end; nap(20)) IS(OPNODE_OK, opnode_op_progress(op, &progress));
  nap(500);
  IS(OPNODE_OK, opnode_op_progress(op, &progress));
  CHECK(progress.state == OPNODE_STATE_RUNNING && progress.requests >= 2 && progress.requests <= 6);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

CASE(failure_comes_after_the_batches) {
  open_all("");
  opnode_op *op = start(conn, GOODS(30, ",\"trouble\":\"second-500\""), 1);
  nap(500);
  char *all = drained(op, OPNODE_E_UNAVAILABLE);
  HAS(all, "Good 10\"");
  free(all);
  TOLD(op, "\"state\":\"failed\"");
  TOLD(op, "\"kind\":\"unavailable\"");
  IS(OPNODE_OK, opnode_op_free(op));
  all = run(conn, GOODS(30, ",\"trouble\":\"second-500\""), OPNODE_E_UNAVAILABLE);
  CHECK(*all == 0);
  free(all);
  close_all();
}

CASE(again_then_ready) {
  open_all("");
  opnode_op *op = start(conn, GOODS(20, ",\"trouble\":\"slow-300\""), 77);
  opnode_buf *buf = NULL;
  uint64_t tags[4] = {0};
  size_t n = 9;
  IS(OPNODE_AGAIN, opnode_ready_wait(it, 0, tags, 4, &n));
  CHECK(n == 0);
  for (int i = 0; i < 2; i++) {
    ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
    ERR(OPNODE_AGAIN, opnode_op_next(op, 20, &buf, &err));
    CHECK(buf == NULL);
    IS(OPNODE_OK, opnode_ready_wait(it, 10000, tags, 4, &n));
    CHECK(n == 1 && tags[0] == 77);
    ERR(OPNODE_OK, opnode_op_next(op, 0, &buf, &err));
    IS(OPNODE_OK, opnode_buf_free(buf));
  }
  int32_t end = opnode_op_next(op, 0, &buf, &err);
  if (end == OPNODE_AGAIN) {
    IS(OPNODE_OK, opnode_ready_wait(it, 10000, tags, 4, &n));
    CHECK(n == 1 && tags[0] == 77);
    end = opnode_op_next(op, 0, &buf, &err);
  }
  ERR(OPNODE_DONE, end);
  IS(OPNODE_AGAIN, opnode_ready_wait(it, 50, tags, 4, &n));
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

/* One thread, many operations. */
CASE(ready_of_many) {
  open_all("");
  enum { MANY = 40 };
  opnode_op *ops[MANY];
  size_t items[MANY] = {0}, open = MANY;
  for (int i = 0; i < MANY; i++) {
    opnode_buf *buf = NULL;
    ops[i] = start(conn, EMIT(5), (uint64_t)i + 1);
    while (opnode_op_next(ops[i], 0, &buf, &err) == OPNODE_OK) {
      items[i]++;
      IS(OPNODE_OK, opnode_buf_free(buf));
    }
    if (items[i] == 5) items[i] = 5;
  }
  for (int i = 0; i < MANY; i++) {
    opnode_buf *buf = NULL;
    int32_t status;
    while ((status = opnode_op_next(ops[i], 0, &buf, &err)) == OPNODE_OK) {
      items[i]++;
      IS(OPNODE_OK, opnode_buf_free(buf));
    }
    if (status == OPNODE_DONE) {
      IS(OPNODE_OK, opnode_op_free(ops[i]));
      ops[i] = NULL;
      open--;
    }
  }
  while (open > 0) {
    uint64_t tags[3];
    size_t n = 0;
    IS(OPNODE_OK, opnode_ready_wait(it, 20000, tags, 3, &n));
    for (size_t t = 0; t < n; t++) {
      size_t i = (size_t)tags[t] - 1;
      opnode_buf *buf = NULL;
      int32_t status = OPNODE_AGAIN;
      if (tags[t] == 0 || !ops[i]) continue;
      while ((status = opnode_op_next(ops[i], 0, &buf, &err)) == OPNODE_OK) {
        items[i]++;
        IS(OPNODE_OK, opnode_buf_free(buf));
      }
      if (status == OPNODE_AGAIN) continue;
      ERR(OPNODE_DONE, status);
      IS(OPNODE_OK, opnode_op_free(ops[i]));
      ops[i] = NULL;
      open--;
    }
  }
  for (int i = 0; i < MANY; i++) CHECK(items[i] == 5);
  close_all();
}

static int seen[65];
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;

static void *takes_tags(void *nothing) {
  uint64_t tag;
  size_t n;
  while (opnode_ready_wait(it, 3000, &tag, 1, &n) == OPNODE_OK) {
    if (tag == 64) break;
    pthread_mutex_lock(&seen_lock);
    seen[tag]++;
    pthread_mutex_unlock(&seen_lock);
  }
  return nothing;
}

/* Each tag goes to one of the waiting threads. */
CASE(ready_for_several_consumers) {
  open_all("");
  pthread_t threads[4];
  opnode_op *ops[64];
  for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, takes_tags, NULL);
  for (int i = 1; i < 64; i++) {
    opnode_buf *buf = NULL;
    ops[i] = start(conn, STALL, (uint64_t)i);
    ERR(OPNODE_AGAIN, opnode_op_next(ops[i], 0, &buf, &err));
  }
  for (int i = 1; i < 64; i++) IS(OPNODE_OK, opnode_op_cancel(ops[i]));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  for (int i = 1; i < 64; i++) {
    CHECK(seen[i] == 1);
    IS(OPNODE_OK, opnode_op_free(ops[i]));
  }
  close_all();
}

static size_t counted;

static void *counts_items(void *op) {
  for (;;) {
    opnode_buf *buf = NULL;
    int32_t status = opnode_op_next(op, FOREVER, &buf, NULL);
    if (status != OPNODE_OK) {
      CHECK(status == OPNODE_DONE);
      return NULL;
    }
    pthread_mutex_lock(&seen_lock);
    counted += opnode_buf_count(buf);
    pthread_mutex_unlock(&seen_lock);
    IS(OPNODE_OK, opnode_buf_free(buf));
  }
}

CASE(read_by_two_threads) {
  open_all("");
  opnode_op *op = start(conn, GOODS(200, ""), 1);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, counts_items, op);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK(counted == 200);
  IS(OPNODE_OK, opnode_op_free(op));
  close_all();
}

static void wakes(int read_end) {
  opnode_op *op = start(conn, GOODS(10, ",\"trouble\":\"slow-200\""), 5);
  opnode_buf *buf = NULL;
  uint64_t tag = 0, eight = 0;
  size_t n = 0;
  ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
  struct pollfd room = {read_end, POLLIN, 0};
  CHECK(poll(&room, 1, 10000) == 1);
  CHECK(read(read_end, &eight, 8) == 8 && eight == 1);
  IS(OPNODE_OK, opnode_ready_wait(it, 0, &tag, 1, &n));
  CHECK(tag == 5);
  free(drained(op, OPNODE_DONE));
  IS(OPNODE_OK, opnode_op_free(op));
}

CASE(wake_by_eventfd) {
  char more[40];
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  snprintf(more, sizeof more, ",\"log\":\"off\",\"wakeFd\":%d", fd);
  open_all(more);
  wakes(fd);
  close_all();
  CHECK(fcntl(fd, F_GETFD) != -1);
  close(fd);
}

CASE(wake_by_pipe) {
  char more[40];
  int ends[2];
  CHECK(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  snprintf(more, sizeof more, ",\"log\":\"off\",\"wakeFd\":%d", ends[1]);
  open_all(more);
  wakes(ends[0]);
  close_all();
  close(ends[0]);
  close(ends[1]);
}

/* Descriptors that cannot be written to, or could block the engine, are refused and not kept open. */
CASE(wake_descriptors_refused) {
  int blocks[2], reads[2], null = open("/dev/null", O_RDWR | O_NONBLOCK), file = open("wake.txt", O_CREAT | O_RDWR | O_NONBLOCK, 0600);
  CHECK(pipe(blocks) == 0 && pipe(reads) == 0 && fcntl(reads[0], F_SETFL, O_NONBLOCK) == 0 && null >= 0 && file >= 0);
  int closed = dup(null), bell = eventfd(0, 0);
  CHECK(close(closed) == 0);
  struct { int fd; const char *why; } wrong[] = {{blocks[1], "is blocking"}, {bell, "is blocking"}, {reads[0], "for reading only"}, {file, "is a file"}, {closed, "is not open"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char cfg[60];
    opnode_engine *none = (opnode_engine *)8;
    snprintf(cfg, sizeof cfg, "{\"builtin\":false,\"wakeFd\":%d}", wrong[i].fd);
    CHECK(opnode_engine_new(OPNODE_ABI_VERSION, cfg, OPNODE_NTS, NULL, &none, &err) == OPNODE_E_USAGE && none == NULL);
    char *json = failure(err);
    HAS(json, "wakeFd: ");
    HAS(json, wrong[i].why);
    HAS(json, "\"advice\":\"give an eventfd");
    free(json);
    int next = dup(null);
    CHECK(next == closed && close(next) == 0);
  }
  close(blocks[0]), close(blocks[1]), close(reads[0]), close(reads[1]), close(null), close(file), close(bell);
}

/* The host may reuse the number of a closed descriptor; nothing is written to it. */
CASE(wake_after_the_descriptor_was_closed) {
  char more[60];
  int ends[2], other[2], eight = 0;
  CHECK(pipe(ends) == 0 && fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0 && pipe(other) == 0 && fcntl(other[0], F_SETFL, O_NONBLOCK) == 0);
  snprintf(more, sizeof more, ",\"log\":\"off\",\"wakeFd\":%d", ends[1]);
  open_all(more);
  CHECK(dup2(other[1], ends[1]) == ends[1]);
  wakes(ends[0]);
  CHECK(read(other[0], &eight, sizeof eight) == -1);
  close_all();
  close(ends[0]), close(ends[1]), close(other[0]), close(other[1]);
}

/* A full pipe never blocks, even if the host makes it blocking again; and a pipe without a reader does not end the process. */
CASE(wake_by_a_full_or_broken_pipe) {
  char more[60], filler[4096] = {0};
  int ends[2];
  CHECK(pipe(ends) == 0);
  fcntl(ends[1], F_SETFL, O_NONBLOCK);
  while (write(ends[1], filler, sizeof filler) > 0) continue;
  snprintf(more, sizeof more, ",\"log\":\"off\",\"threads\":1,\"wakeFd\":%d", ends[1]);
  open_all(more);
  fcntl(ends[1], F_SETFL, 0);
  for (int i = 0; i < 2; i++) {
    opnode_op *op = start(conn, GOODS(10, ",\"trouble\":\"slow-100\""), 5);
    opnode_buf *buf = NULL;
    ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
    free(drained(op, OPNODE_DONE));
    IS(OPNODE_OK, opnode_op_free(op));
    if (i == 0) close(ends[0]);
  }
  close_all();
  close(ends[1]);
}

/* Polling leaves no tags for ready_wait. */
CASE(polling_leaves_no_tags) {
  open_all("");
  for (int i = 0; i < 200; i++) {
    opnode_op *op = start(conn, EMIT(3), 9);
    opnode_buf *buf = NULL;
    int32_t status;
    while ((status = opnode_op_next(op, 0, &buf, &err)) != OPNODE_DONE) {
      if (status == OPNODE_OK) IS(OPNODE_OK, opnode_buf_free(buf));
    }
    IS(OPNODE_OK, opnode_op_free(op));
  }
  uint64_t tags[10];
  size_t n = 0;
  IS(OPNODE_AGAIN, opnode_ready_wait(it, 0, tags, 10, &n));
  close_all();
}

CASE(run_times_out) {
  open_all("");
  int64_t before = now_ms();
  opnode_buf *buf = (opnode_buf *)8;
  ERR(OPNODE_E_TIMEOUT, opnode_run(conn, GOODS(3, ",\"trouble\":\"stall\""), OPNODE_NTS, 150, &buf, &err));
  CHECK(buf == NULL && now_ms() - before >= 150);
  ERR(OPNODE_E_TIMEOUT, opnode_run(conn, STALL, OPNODE_NTS, 0, &buf, &err));
  close_all();
}

CASE(timeout_of_the_request) {
  open_all("");
  char *all = run(conn, "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"trouble\":\"stall\"},\"timeoutMs\":200}", OPNODE_E_TIMEOUT);
  free(all);
  close_all();
}

CASE(check_calls_the_probe) {
  open_all("");
  char *all = run(conn, "{\"method\":\"check\"}", OPNODE_OK);
  CHECK(strcmp(all, "[{\"status\":\"open\"}]") == 0);
  free(all);
  close_all();
}

CASE(template_requests) {
  open_all("");
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_run(conn, "{\"method\":\"query\",\"template\":\"few-goods\"}", OPNODE_NTS, FOREVER, &buf, &err));
  CHECK(opnode_buf_count(buf) == 3);
  IS(OPNODE_OK, opnode_buf_free(buf));
  const char *over = "{\"method\":\"query\",\"template\":\"few-goods\",\"options\":{\"count\":5}}";
  ERR(OPNODE_OK, opnode_run(conn, over, OPNODE_NTS, FOREVER, &buf, &err));
  CHECK(opnode_buf_count(buf) == 5);
  IS(OPNODE_OK, opnode_buf_free(buf));
  free(run(conn, "{\"method\":\"mutate\",\"template\":\"new-bolt\"}", OPNODE_E_INVALID_OPTIONS));
  char *all = run(conn, "{\"method\":\"mutate\",\"template\":\"new-bolt\",\"useSample\":true}", OPNODE_OK);
  HAS(all, "\"name\":\"Bolt\"");
  free(all);
  free(run(conn, "{\"method\":\"query\",\"template\":\"no-goods\"}", OPNODE_E_UNKNOWN_OPERATION));
  free(run(conn, "{\"method\":\"query\",\"template\":\"few-goods\",\"operationId\":\"listGoods\"}", OPNODE_E_USAGE));
  close_all();
}

CASE(options_keep_their_digits) {
  static const char *const numbers[] = {"1.10", "1e2", "-0", "18446744073709551617", "123456789012345678901234567890", "0.1000000000000000055"};
  open_all("");
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    const char *n = numbers[i];
    char request[500], part[200];
    snprintf(request, sizeof request,
             "{\"method\":\"mutate\",\"operationId\":\"sendParcel\",\"plan\":true,"
             "\"options\":{\"id\":%s,\"sizes\":[%s,1.50],\"x-weight\":%s,\"weight\":%s}}",
             n, n, n, n);
    char *all = run(conn, request, OPNODE_OK);
    snprintf(part, sizeof part, "/parcels/%s?sizes=%s,1.50\"", n, n);
    HAS(all, part);
    snprintf(part, sizeof part, "[\"x-weight\",\"%s\"]", n);
    HAS(all, part);
    snprintf(part, sizeof part, "\"{\\\"weight\\\":%s}\"", n);
    HAS(all, part);
    free(all);
  }
  free(run(conn, "{\"method\":\"mutate\",\"operationId\":\"sendParcel\",\"plan\":true,\"options\":{\"id\":1,\"id\":2}}", OPNODE_E_INVALID_OPTIONS));
  close_all();
}

CASE(plan_sends_nothing) {
  open_all("");
  char *all = run(conn, "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"trouble\":\"stall\"},\"plan\":true}", OPNODE_OK);
  HAS(all, "GET");
  HAS(all, "trouble=stall");
  LACKS(all, "open-sesame");
  LACKS(all, "cm9ib3Q6b3Blbi1zZXNhbWU=");
  free(all);
  all = run(conn, "{\"method\":\"mutate\",\"operationId\":\"addGood\",\"items\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"plan\":true}", OPNODE_OK);
  HAS(all, "POST");
  free(all);
  close_all();
}

CASE(big_answer) {
  open_all("");
  opnode_conn *wide = shop_with(it, "\"page_size\":10000");
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_run(wide, GOODS(100000, ""), OPNODE_NTS, FOREVER, &buf, &err));
  CHECK(opnode_buf_count(buf) == 100000);
  size_t len = 0;
  HAS(opnode_buf_item(buf, 99999, &len), "\"id\":100000,");
  IS(OPNODE_OK, opnode_buf_free(buf));
  IS(OPNODE_OK, opnode_conn_free(wide));
  close_all();
}
