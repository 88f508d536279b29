// A host in C++ whose hooks throw: the argument says which one. It would catch everything, and gets nothing to catch.
#include <opnode.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

static std::string which;
static std::atomic<int> readies(0), progresses(0), events(0), drops(0);

static void comes(const char *hook, std::atomic<int> &number) {
  number++;
  if (which == hook) throw std::runtime_error(hook);
  if (which == "thread-exit") pthread_exit(NULL);
}

extern "C" {
static void on_drop(void *) { comes("drop", drops); }
static void on_ready(void *, uint64_t) { comes("ready", readies); }
static void on_progress(void *, uint64_t, const opnode_progress *) { comes("progress", progresses); }
static void on_event(void *, int32_t, const char *, size_t) { comes("event", events); }
}

static void need(bool holds, int line) {
  if (holds) return;
  fprintf(stderr, "throwing.cpp:%d\n", line);
  exit(3);
}
#define NEED(what) need(what, __LINE__)

static void once(const std::atomic<int> &number) {
  for (int i = 0; i < 2000 && number == 0; i++) usleep(5000);
  NEED(number > 0);
}

static void host() {
  opnode_hooks hooks = {sizeof(opnode_hooks), 0, NULL, on_drop, on_ready, on_progress, on_event};
  opnode_engine *engine = NULL;
  opnode_conn *conn = NULL;
  opnode_op *op = NULL;
  opnode_buf *buf = NULL;
  if (which == "drop-at-once") {
    which = "drop";
    opnode_engine_new(1, NULL, 0, &hooks, &engine, NULL);
  }
  std::string config = "{\"selftest\":true,\"builtin\":false,\"definitions\":[\"" + std::string(getenv("SHOP_DEFINITIONS")) + "\"]}";
  NEED(opnode_engine_new(OPNODE_ABI_VERSION, config.c_str(), OPNODE_NTS, &hooks, &engine, NULL) == OPNODE_OK);
  const char *spec = "{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"http://127.0.0.1:9\",\"user\":\"robot\",\"apiKey\":\"open-sesame\"}}";
  NEED(opnode_conn_open(engine, spec, OPNODE_NTS, &conn, NULL) == OPNODE_OK);
  NEED(opnode_run(conn, "{\"method\":\"selftest\",\"selftest\":{\"rotate\":1}}", OPNODE_NTS, -1, &buf, NULL) == OPNODE_OK);
  once(events);
  NEED(opnode_op_start(conn, "{\"method\":\"selftest\",\"selftest\":\"stall\"}", OPNODE_NTS, 1, &op, NULL) == OPNODE_OK);
  NEED(opnode_op_next(op, 0, &buf, NULL) == OPNODE_AGAIN && opnode_op_cancel(op) == OPNODE_OK);
  once(readies);
  once(progresses);
  NEED(opnode_op_free(op) == OPNODE_OK && opnode_conn_free(conn) == OPNODE_OK && opnode_engine_free(engine) == OPNODE_OK);
  once(drops);
  if (which != "none") sleep(20); /* another thread will end the process */
}

int main(int, char **argv) {
  which = argv[1];
  rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  try {
    host();
  } catch (...) {
    return 4;
  }
  return 0;
}
