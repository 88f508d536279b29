/* Many calls: memory does not grow, and every order of calls is safe. */
#include "suite.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdbool.h>

#ifdef __SANITIZE_ADDRESS__
#define GROWTH_KB 300000 /* freed memory is kept for a while */
#else
#define GROWTH_KB 4096
#endif

static long resident_kb(void) {
  long pages = 0;
  FILE *file = fopen("/proc/self/statm", "r");
  CHECK(file && fscanf(file, "%*d %ld", &pages) == 1);
  fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int open_files(void) {
  int n = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (readdir(folder)) n++;
  closedir(folder);
  return n;
}

CASE(ten_thousand_operations) {
  opnode_engine *it = engine(",\"log\":\"off\"");
  opnode_conn *conn = shop(it);
  long before = 0;
  int files = 0;
  for (int i = 0; i < 10000; i++) {
    if (i == 3000) before = resident_kb(), files = open_files();
    const char *request = i % 50 == 0 ? GOODS(10, "") : i % 50 == 1 ? ADD("[{\"name\":\"a\"}]") : EMIT(2);
    opnode_op *op = start(conn, request, (uint64_t)i + 1);
    opnode_buf *buf = NULL;
    int32_t status;
    while ((status = opnode_op_next(op, i % 2 ? 100 : 0, &buf, NULL)) != OPNODE_DONE) {
      CHECK(status >= 0);
      if (status == OPNODE_OK) IS(OPNODE_OK, opnode_buf_free(buf));
    }
    if (i % 3 == 0) free(report(op));
    IS(OPNODE_OK, opnode_op_free(op));
    if (i % 7 == 0) ERR(OPNODE_E_USAGE, opnode_op_start(conn, "{}", 2, 1, &op, &err));
  }
  CHECK(resident_kb() - before < GROWTH_KB);
  CHECK(open_files() <= files + 2);
  leave(it, conn);
}

/* ---- any call, any handle, from any thread ---- */

enum { POOL = 64, THREADS = 8 };
static _Atomic(void *) pool[POOL];
static atomic_bool over;

static uint64_t random_of(uint64_t *seed) {
  *seed ^= *seed << 13, *seed ^= *seed >> 7, *seed ^= *seed << 17;
  return *seed;
}

static void *any(uint64_t *seed) {
  uint64_t r = random_of(seed);
  if (r % 16 == 0) return (void *)(uintptr_t)random_of(seed);
  if (r % 16 == 1) return NULL;
  return pool[r / 16 % POOL];
}

/* Handles are only replaced, so the pool contains many freed ones. */
static void keep(uint64_t *seed, void *handle) {
  if (handle) pool[random_of(seed) % POOL] = handle;
}

static const char *requests[] = {
    STALL, EMIT(3), EMIT(1000), GOODS(30, ""), GOODS(20, ",\"trouble\":\"slow-20\""), GOODS(5, ",\"trouble\":\"reset\""), STREAM,
    ADD("[{\"name\":\"a\"},{\"name\":\"Refused\"}]"), "{\"method\":\"selftest\",\"selftest\":\"panic\"}", "{\"method\":\"check\"}", "{", "\xff",
    "{\"method\":\"selftest\",\"selftest\":{\"rotate\":2}}",
};

static void *calls(void *argument) {
  uint64_t seed = 0x9E3779B97F4A7C15u * ((uint64_t)(uintptr_t)argument + 1);
  char spec[400];
  snprintf(spec, sizeof spec, "{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"%s\",\"user\":\"robot\",\"apiKey\":\"open-sesame\"}}", env("SHOP"));
  while (!over) {
    opnode_buf *buf = NULL;
    opnode_op *op = NULL;
    opnode_conn *conn = NULL;
    opnode_error *error = NULL;
    opnode_progress progress = {0};
    uint64_t tags[3];
    size_t n = 0;
    int32_t status = 0;
    int64_t timeout = (int64_t)(random_of(&seed) % 3);
    const char *request = requests[random_of(&seed) % (sizeof requests / sizeof *requests)];
    progress.struct_size = sizeof progress;
    switch (random_of(&seed) % 24) {
      case 0: status = opnode_conn_open(any(&seed), spec, OPNODE_NTS, &conn, &error); break;
      case 1: status = opnode_conn_free(any(&seed)); break;
      case 2: case 3: case 4: status = opnode_op_start(any(&seed), request, OPNODE_NTS, random_of(&seed) % 100, &op, &error); break;
      case 5: case 6: case 7: status = opnode_op_next(any(&seed), timeout, &buf, &error); break;
      case 8: status = opnode_op_write(any(&seed), "[{\"name\":\"a\"}]", OPNODE_NTS, random_of(&seed) % 2, timeout, &error); break;
      case 9: status = opnode_op_progress(any(&seed), &progress); break;
      case 10: status = opnode_op_report(any(&seed), &buf, &error); break;
      case 11: status = opnode_op_cancel(any(&seed)); break;
      case 12: case 13: status = opnode_op_free(any(&seed)); break;
      case 14: status = opnode_run(any(&seed), request, OPNODE_NTS, timeout * 20, &buf, &error); break;
      case 15: status = opnode_ready_wait(any(&seed), timeout, tags, 3, &n); break;
      case 16: status = opnode_events_take(any(&seed), &buf, &error); break;
      case 17: status = opnode_describe_templates(any(&seed), NULL, 0, "{\"limit\":2}", OPNODE_NTS, &buf, &error); break;
      case 18: (void)opnode_buf_count(any(&seed)); break;
      case 19: case 20: status = opnode_buf_free(any(&seed)); break;
      case 21: status = opnode_error_free(any(&seed)); break;
      case 22: (void)opnode_buf_item(any(&seed), random_of(&seed) % 5, &n); break;
      case 23: (void)opnode_error_json(any(&seed), &n); break;
    }
    CHECK(status >= OPNODE_E_MISUSE && status <= OPNODE_OPEN);
    keep(&seed, buf);
    keep(&seed, op);
    keep(&seed, conn);
    keep(&seed, error);
  }
  return NULL;
}

CASE(stress) {
  handles_are_lost = 1;
  pthread_t threads[THREADS];
  opnode_engine *it = engine(",\"log\":\"error\"");
  const char *seconds = getenv("OPNODE_STRESS_SECONDS");
  int64_t end = now_ms() + (seconds ? atoi(seconds) : 3) * 1000;
  for (int i = 0; i < POOL; i++) pool[i] = i % 4 == 0 ? (void *)it : (void *)shop(it);
  for (uintptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, calls, (void *)i);
  while (now_ms() < end) {
    nap(20);
    pool[0] = it;
    if (pool[1] == NULL || random() % 10 == 0) pool[1] = shop(it);
  }
  over = true;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  /* All operations end; handles that were lost deliberately stay open. */
  int32_t status = opnode_engine_shutdown(it, 30000);
  CHECK(status == OPNODE_OPEN || status == OPNODE_OK);
  IS(OPNODE_OK, opnode_engine_free(it));
}
