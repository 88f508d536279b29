/* Basics of calls: versions, NULL, texts, struct sizes, handles. */
#include <locale.h>
#include <signal.h>

#include "suite.h"

extern char **environ;

#define M OPNODE_E_MISUSE
#define H OPNODE_E_HANDLE

CASE(version) {
  CHECK(opnode_abi_version() == OPNODE_ABI_VERSION);
  CHECK(strchr(opnode_version(), '.') != NULL);
  CHECK(opnode_version() == opnode_version());
}

CASE(status_names) {
  CHECK(strcmp(opnode_status_name(OPNODE_OK), "ok") == 0);
  CHECK(strcmp(opnode_status_name(OPNODE_AGAIN), "again") == 0);
  CHECK(strcmp(opnode_status_name(OPNODE_E_RATE_LIMITED), "rate_limited") == 0);
  CHECK(strcmp(opnode_status_name(OPNODE_E_FORKED), "forked") == 0);
  CHECK(strcmp(opnode_status_name(12345), "unknown") == 0);
  CHECK(strcmp(opnode_status_name(INT32_MIN), "unknown") == 0);
}

CASE(engine_by_default) {
  opnode_engine *it = NULL;
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, &it, &err));
  finish(it);
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, NULL, OPNODE_NTS, NULL, &it, NULL));
  finish(it);
}

/* The minimum and maximum number of threads. */
CASE(engine_threads) {
  const char *good[] = {"{\"threads\":1}", "{\"threads\":512}"};
  for (size_t i = 0; i < 2; i++) {
    opnode_engine *it = NULL;
    ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, good[i], OPNODE_NTS, NULL, &it, &err));
    finish(it);
  }
}

/* A host that was built for an earlier minor version is served. */
CASE(engine_of_an_older_host) {
  opnode_engine *it = NULL;
  ERR(OPNODE_OK, opnode_engine_new(0x00010000u, NULL, 0, NULL, &it, &err));
  finish(it);
}

CASE(engine_abi) {
  uint32_t wrong[] = {0, 1, OPNODE_ABI_VERSION + 1, OPNODE_ABI_VERSION + 0x10000u, UINT32_MAX};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    opnode_engine *it = (opnode_engine *)8;
    ERR(OPNODE_E_ABI, opnode_engine_new(wrong[i], NULL, 0, NULL, &it, &err));
    CHECK(it == NULL);
  }
}

/* Unknown keys and wrong types, each with a word that the message must contain. */
CASE(engine_config_is_checked) {
  const char *wrong[][2] = {
      {"{\"bultin\":true}", "bultin"},
      {"{\"tokens\":{\"files\":\"x\"}}", "files"},
      {"{\"log\":\"loud\"}", "loud"},
      {"{\"threads\":-1}", "threads: expected a whole number from 0 to"},
      {"{\"threads\":0}", "threads: 0 is not within 1 to 512"},
      {"{\"threads\":513}", "threads: 513 is not within 1 to 512"},
      {"{\"threads\":100000}", "threads: 100000 is not within 1 to 512"},
      {"{\"threads\":18446744073709551615}", "threads: 18446744073709551615 is not within 1 to 512"},
      {"{\"threads\":18446744073709551616}", "threads: expected a whole number"},
      {"{\"threads\":\"2\"}", "threads: expected a whole number"},
      {"{\"threads\":null}", "threads: expected a whole number"},
      {"{\"threads\":1,\"threads\":2}", "`threads` is there twice"},
      {"{\"builtin\":1}", "builtin: expected true or false, found a number"},
      {"{\"systemProxy\":\"no\"}", "systemProxy: "},
      {"{\"tls\":{\"cert\":\"x\"}}", "cert"},
      {"{\"tls\":{\"onlyCa\":1}}", "onlyCa"},
      {"{\"proxy\":\"direct\"}", "proxy: "},
      {"{\"proxy\":{\"user\":\"x\"}}", "proxy: "},
      {"{\"selftest\":[]}", "selftest: "},
      {"{\"definitions\":\"folder\"}", "definitions: "},
      {"{\"tokens\":\"disk\"}", "tokens: "},
      {"[true]", "object"},
      {"null", "object"},
      {"{", "it ends too early"},
      {"", "it is empty"},
      {"{\"wakeFd\":99999999999}", "wakeFd: 99999999999 is not a file descriptor"},
      {"{\"wakeFd\":-2}", "wakeFd: -2 is not a file descriptor"},
      {"{\"wakeFd\":true}", "wakeFd: expected a whole number, found true or false"},
      {"{\"wakeFd\":987}", "wakeFd: 987 is not open"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    opnode_engine *it = (opnode_engine *)8;
    CHECK(opnode_engine_new(OPNODE_ABI_VERSION, wrong[i][0], OPNODE_NTS, NULL, &it, &err) == OPNODE_E_USAGE);
    CHECK(it == NULL);
    char *json = failure(err);
    HAS(json, wrong[i][1]);
    HAS(json, "\"number\":2");
    free(json);
  }
  opnode_engine *it = NULL;
  ERR(OPNODE_E_DEFINITION, opnode_engine_new(OPNODE_ABI_VERSION, "{\"definitions\":[\"/nowhere\"]}", OPNODE_NTS, NULL, &it, &err));
}

CASE(null_everywhere) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, STALL, 1), *op2 = (opnode_op *)8;
  opnode_buf *buf = (opnode_buf *)8;
  opnode_conn *conn2 = (opnode_conn *)8;
  opnode_progress progress = {0};
  uint64_t tags[1];
  size_t n = 7;
  progress.struct_size = sizeof progress;
  ERR(M, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, NULL, &err));
  opnode_engine *none = it;
  ERR(M, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 5, NULL, &none, &err));
  CHECK(none == NULL);
  IS(M, opnode_engine_shutdown(NULL, 0));
  IS(M, opnode_engine_free(NULL));
  IS(M, opnode_ready_wait(NULL, 0, tags, 1, &n));
  CHECK(n == 0);
  ERR(M, opnode_events_take(NULL, &buf, &err));
  CHECK(buf == NULL);
  ERR(M, opnode_definitions_load(NULL, "{}", OPNODE_NTS, &err));
  ERR(M, opnode_describe_connectors(NULL, &buf, &err));
  ERR(M, opnode_describe_templates(NULL, NULL, 0, NULL, 0, &buf, &err));
  ERR(M, opnode_describe_template(NULL, NULL, 0, "x", 1, &buf, &err));
  ERR(M, opnode_conn_open(NULL, "{}", OPNODE_NTS, &conn2, &err));
  CHECK(conn2 == NULL);
  IS(M, opnode_conn_free(NULL));
  ERR(M, opnode_run(NULL, STALL, OPNODE_NTS, 0, &buf, &err));
  ERR(M, opnode_run(conn, NULL, 0, 0, &buf, &err));
  ERR(M, opnode_run(conn, STALL, OPNODE_NTS, 0, NULL, &err));
  ERR(M, opnode_op_start(NULL, STALL, OPNODE_NTS, 1, &op2, &err));
  CHECK(op2 == NULL);
  ERR(M, opnode_op_start(conn, NULL, 0, 1, &op2, &err));
  ERR(M, opnode_op_start(conn, NULL, 9, 1, &op2, &err));
  ERR(M, opnode_op_start(conn, STALL, OPNODE_NTS, 1, NULL, &err));
  ERR(M, opnode_op_write(NULL, "[]", OPNODE_NTS, 0, 0, &err));
  ERR(M, opnode_op_write(op, NULL, 9, 0, 0, &err));
  ERR(M, opnode_op_next(NULL, 0, &buf, &err));
  ERR(M, opnode_op_next(op, 0, NULL, &err));
  IS(M, opnode_op_progress(NULL, &progress));
  IS(M, opnode_op_progress(op, NULL));
  ERR(M, opnode_op_report(NULL, &buf, &err));
  ERR(M, opnode_op_report(op, NULL, &err));
  IS(M, opnode_op_cancel(NULL));
  IS(M, opnode_op_free(NULL));
  n = 7;
  CHECK(opnode_buf_data(NULL, &n) == NULL && n == 0);
  CHECK(opnode_buf_data(NULL, NULL) == NULL);
  CHECK(opnode_buf_count(NULL) == 0);
  CHECK(opnode_buf_item(NULL, 0, &n) == NULL);
  IS(M, opnode_buf_free(NULL));
  CHECK(opnode_error_message(NULL, &n) == NULL && n == 0);
  CHECK(opnode_error_json(NULL, NULL) == NULL);
  IS(M, opnode_error_free(NULL));
  /* `err` may always be NULL. */
  IS(OPNODE_E_USAGE, opnode_op_start(conn, "{}", OPNODE_NTS, 1, &op2, NULL));
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
}

CASE(null_of_the_engine) {
  opnode_engine *it = engine("");
  opnode_buf *buf = NULL;
  opnode_conn *conn = NULL;
  uint64_t tags[1];
  size_t n = 7;
  IS(M, opnode_ready_wait(it, 0, NULL, 1, &n));
  IS(M, opnode_ready_wait(it, 0, tags, 0, &n));
  IS(M, opnode_ready_wait(it, 0, tags, 1, NULL));
  ERR(M, opnode_events_take(it, NULL, &err));
  ERR(M, opnode_definitions_load(it, NULL, 0, &err));
  ERR(M, opnode_describe_connectors(it, NULL, &err));
  ERR(M, opnode_describe_templates(it, NULL, 0, NULL, 0, NULL, &err));
  ERR(M, opnode_describe_template(it, NULL, 0, NULL, 0, &buf, &err));
  ERR(M, opnode_describe_template(it, NULL, 0, "listGoods", OPNODE_NTS, NULL, &err));
  ERR(M, opnode_search(it, NULL, 0, NULL, 0, &buf, &err));
  ERR(M, opnode_search(it, "goods", OPNODE_NTS, NULL, 0, NULL, &err));
  ERR(M, opnode_conn_open(it, NULL, 0, &conn, &err));
  ERR(M, opnode_conn_open(it, "{}", OPNODE_NTS, NULL, &err));
  finish(it);
}

CASE(texts) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_buf *buf = NULL;
  const char *request = GOODS(3, "") "and more that the length leaves out";
  ERR(OPNODE_OK, opnode_run(conn, request, strlen(GOODS(3, "")), 20000, &buf, &err));
  CHECK(opnode_buf_count(buf) == 3);
  IS(OPNODE_OK, opnode_buf_free(buf));
  ERR(OPNODE_E_USAGE, opnode_run(conn, request, OPNODE_NTS, 20000, &buf, &err));
  ERR(OPNODE_E_USAGE, opnode_run(conn, "{\"method\":\"\xff\"}", OPNODE_NTS, 0, &buf, &err));
  ERR(OPNODE_E_USAGE, opnode_run(conn, "\xc3", 1, 0, &buf, &err));
  ERR(OPNODE_E_USAGE, opnode_run(conn, "", 0, 0, &buf, &err));
  ERR(M, opnode_run(conn, request, (size_t)-2, 0, &buf, &err));
  /* A NUL inside: the length counts, and such a text is not JSON. */
  ERR(OPNODE_E_USAGE, opnode_run(conn, "{\0}", 3, 0, &buf, &err));
  ERR(OPNODE_E_UNKNOWN_OPERATION, opnode_describe_template(it, "shop", 4, "list\0Goods", 10, &buf, &err));
  CHECK(opnode_describe_template(it, "sh\0op", 5, "listGoods", 9, &buf, &err) == OPNODE_E_UNKNOWN_OPERATION);
  size_t len = 0;
  const char *message = opnode_error_message(err, &len);
  CHECK(strlen(message) == len);
  free(failure(err));
  ERR(OPNODE_OK, opnode_describe_template(it, "shop??", 4, "listGoods??", 9, &buf, &err));
  IS(OPNODE_OK, opnode_buf_free(buf));
  leave(it, conn);
}

CASE(struct_sizes) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(30, ""), 1);
  free(drained(op, OPNODE_DONE));
  union { opnode_progress p; unsigned char raw[200]; } room;
  /* A smaller struct is filled in part; the rest of a larger one is not changed. */
  for (uint32_t size = 4; size <= 200; size++) {
    memset(&room, 0xEE, sizeof room);
    room.p.struct_size = size;
    IS(OPNODE_OK, opnode_op_progress(op, &room.p));
    CHECK(room.p.struct_size == size);
    for (size_t i = size; i < sizeof room; i++) CHECK(room.raw[i] == 0xEE);
    for (size_t i = sizeof(opnode_progress); i < sizeof room; i++) CHECK(room.raw[i] == 0xEE);
    if (size >= 48) CHECK(room.p.state == OPNODE_STATE_DONE && room.p.pages == 3 && room.p.items_out == 30);
  }
  uint32_t wrong[] = {0, 3, 4097, UINT32_MAX};
  for (size_t i = 0; i < 4; i++) {
    room.p.struct_size = wrong[i];
    IS(OPNODE_E_USAGE, opnode_op_progress(op, &room.p));
  }
  room.p.struct_size = sizeof room.p;
  IS(OPNODE_OK, opnode_op_progress(op, &room.p));
  CHECK(room.p.requests == 3 && room.p.retries == 0 && room.p.bytes_in > 900 && room.p.total_items == -1);
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
}

CASE(handles) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(3, ""), 1);
  opnode_buf *buf = NULL, *other = NULL;
  ERR(OPNODE_OK, opnode_op_next(op, FOREVER, &buf, &err));
  /* A handle of another kind. */
  IS(H, opnode_conn_free((opnode_conn *)op));
  IS(H, opnode_op_free((opnode_op *)conn));
  IS(H, opnode_buf_free((opnode_buf *)op));
  IS(H, opnode_error_free((opnode_error *)buf));
  IS(H, opnode_engine_free((opnode_engine *)buf));
  IS(H, opnode_op_cancel((opnode_op *)it));
  ERR(H, opnode_op_next((opnode_op *)buf, 0, &other, &err));
  CHECK(opnode_buf_data((opnode_buf *)op, NULL) == NULL);
  CHECK(opnode_buf_count((opnode_buf *)op) == 0);
  CHECK(opnode_error_json((opnode_error *)buf, NULL) == NULL);
  /* Freed twice, and used after that. */
  IS(OPNODE_OK, opnode_buf_free(buf));
  IS(H, opnode_buf_free(buf));
  size_t n = 7;
  CHECK(opnode_buf_data(buf, &n) == NULL && n == 0);
  CHECK(opnode_buf_item(buf, 0, &n) == NULL);
  /* Its slot is reused; the old number stays invalid. */
  ERR(OPNODE_OK, opnode_op_report(op, &other, &err));
  CHECK(other != buf);
  IS(H, opnode_buf_free(buf));
  IS(OPNODE_OK, opnode_buf_free(other));
  IS(OPNODE_OK, opnode_op_free(op));
  IS(H, opnode_op_free(op));
  IS(H, opnode_op_cancel(op));
  ERR(H, opnode_op_next(op, FOREVER, &buf, &err));
  ERR(H, opnode_op_write(op, "[]", 2, 0, 0, &err));
  ERR(H, opnode_op_report(op, &buf, &err));
  IS(OPNODE_OK, opnode_conn_free(conn));
  IS(H, opnode_conn_free(conn));
  ERR(H, opnode_op_start(conn, STALL, OPNODE_NTS, 1, &op, &err));
  /* Random numbers. */
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < 100000; i++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    uintptr_t token = (uintptr_t)(i % 3 == 0 ? random : i % 3 == 1 ? random >> 32 << 3 : random | 0xFFFFFFFF00000000u);
    if ((void *)token == (void *)it) continue;
    int32_t status = opnode_op_cancel((opnode_op *)token);
    CHECK(status == H || (token == 0 && status == M));
    CHECK(opnode_buf_data((opnode_buf *)token, NULL) == NULL);
  }
  finish(it);
  IS(H, opnode_engine_shutdown(it, 0));
}

CASE(parents_first) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(30, ""), 1);
  opnode_buf *buf = NULL;
  IS(OPNODE_OK, opnode_conn_free(conn));
  ERR(OPNODE_OK, opnode_op_next(op, FOREVER, &buf, &err));
  char *all = drained(op, OPNODE_DONE);
  HAS(all, "Good 30");
  free(all);
  IS(OPNODE_OK, opnode_op_free(op));
  CHECK(opnode_op_start(conn, STALL, OPNODE_NTS, 1, &op, &err) == H);
  const char *kept = opnode_error_json(err, NULL);
  IS(OPNODE_OPEN, opnode_engine_shutdown(it, 5000));
  IS(OPNODE_OK, opnode_engine_free(it));
  /* Buffers and errors need no engine. */
  HAS(opnode_buf_data(buf, NULL), "Good 1");
  HAS(kept, "handle");
  IS(OPNODE_OK, opnode_buf_free(buf));
  IS(OPNODE_OK, opnode_error_free(err));
}

CASE(error_json) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  opnode_buf *buf = NULL;
  CHECK(opnode_run(conn, GOODS(3, ",\"trouble\":\"status-409\""), OPNODE_NTS, FOREVER, &buf, &err) == OPNODE_E_CONFLICT);
  size_t len = 0;
  const char *message = opnode_error_message(err, &len);
  HAS(message, "as you wished");
  CHECK(strlen(message) == len && strchr(message, '\n') == NULL);
  char *json = failure(err);
  const char *parts[] = {"\"kind\":\"conflict\"", "\"number\":31", "\"message\":", "\"operation\":\"listGoods\"", "\"http_status\":409", "c409"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) HAS(json, parts[i]);
  LACKS(json, "open-sesame");
  free(json);
  leave(it, conn);
}

CASE(two_engines) {
  opnode_engine *one = engine(""), *two = engine(",\"threads\":1");
  opnode_conn *a = shop(one), *b = shop(two);
  opnode_op *op = start(b, GOODS(20, ""), 2);
  free(run(a, GOODS(5, ""), OPNODE_OK));
  IS(OPNODE_OK, opnode_conn_free(a));
  finish(one);
  char *all = drained(op, OPNODE_DONE);
  HAS(all, "Good 20");
  free(all);
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OK, opnode_conn_free(b));
  finish(two);
}

/* ---- the host's own state ---- */

static void a_day(void) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  char *all = run(conn, GOODS(30, ""), OPNODE_OK);
  HAS(all, "\"price\":3.10");
  free(all);
  all = run(conn, ADD("[{\"name\":\"a\",\"price\":1.50}]"), OPNODE_OK);
  HAS(all, "\"status\":\"ok\"");
  free(all);
  free(run(conn, "{\"method\":\"query\",\"operationId\":\"listGods\"}", OPNODE_E_UNKNOWN_OPERATION));
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_describe_templates(it, NULL, 0, "{\"operations\":true}", OPNODE_NTS, &buf, &err));
  free(text(buf));
  leave(it, conn);
}

static void *in_a_thread(void *unused) {
  (void)unused;
  a_day();
  return NULL;
}

/* Small stacks, as in hosts; the library works on threads of its own. */
CASE(small_stacks) {
  pthread_attr_t attributes;
  pthread_t thread;
  CHECK(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, (size_t)atoi(env("STACK_KIB")) << 10) == 0);
  CHECK(pthread_create(&thread, &attributes, in_a_thread, NULL) == 0 && pthread_join(thread, NULL) == 0);
  pthread_attr_destroy(&attributes);
}

static void handler(int number) { (void)number; }

/* Handlers of signals, masks, the locale, the folder and the environment are as the host left them; a locale with commas changes no number. */
CASE(the_state_of_the_host_does_not_change) {
  const char *commas[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"};
  for (size_t i = 0; i < 4 && !setlocale(LC_ALL, commas[i]); i++) {}
  char *locale = strdup(setlocale(LC_ALL, NULL)), before[4096], after[4096];
  struct sigaction own = {0}, handlers[NSIG], now;
  own.sa_handler = handler;
  CHECK(sigaction(SIGPIPE, &own, NULL) == 0 && sigaction(SIGINT, &own, NULL) == 0 && sigaction(SIGCHLD, &own, NULL) == 0);
  sigset_t mask, mask_now;
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0 && getcwd(before, sizeof before));
  for (int number = 1; number < NSIG; number++) (void)sigaction(number, NULL, &handlers[number]);
  size_t variables = 0, variables_now = 0;
  while (environ[variables]) variables++;
  a_day();
  for (int number = 1; number < NSIG; number++) {
    if (sigaction(number, NULL, &now) == 0) CHECK(now.sa_handler == handlers[number].sa_handler && now.sa_flags == handlers[number].sa_flags);
  }
  CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mask_now) == 0);
  for (int number = 1; number < NSIG; number++) CHECK(sigismember(&mask, number) == sigismember(&mask_now, number));
  CHECK(getcwd(after, sizeof after) && !strcmp(before, after) && !strcmp(locale, setlocale(LC_ALL, NULL)));
  while (environ[variables_now]) variables_now++;
  CHECK(variables == variables_now);
  free(locale);
}
