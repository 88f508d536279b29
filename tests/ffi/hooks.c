/* Callbacks and events. */
#include "suite.h"

#include <stdatomic.h>

typedef struct heard {
  atomic_int drops, readies, progresses, events, credentials, after_drop;
  atomic_ullong last_tag;
  opnode_engine *engine;
  opnode_conn *conn;
  opnode_op *op;
  atomic_int misuses;
} heard;

static void on_drop(void *user_data) { atomic_fetch_add(&((heard *)user_data)->drops, 1); }

static void on_ready(void *user_data, uint64_t tag) {
  heard *all = user_data;
  if (all->drops) all->after_drop++;
  all->last_tag = tag;
  all->readies++;
}

static void on_progress(void *user_data, uint64_t tag, const opnode_progress *progress) {
  heard *all = user_data;
  if (all->drops) all->after_drop++;
  CHECK(tag != 0 && progress->struct_size == sizeof *progress);
  all->progresses++;
}

static void on_event(void *user_data, int32_t kind, const char *json, size_t len) {
  heard *all = user_data;
  if (all->drops) all->after_drop++;
  CHECK(json[len] == 0 && strlen(json) == len && json[0] == '{');
  if (kind == OPNODE_EVENT_CREDENTIAL) all->credentials++;
  all->events++;
}

static opnode_hooks all_hooks(heard *all) {
  opnode_hooks hooks = {sizeof(opnode_hooks), 0, all, on_drop, on_ready, on_progress, on_event};
  return hooks;
}

static void comes(atomic_int *number, int least) {
  for (int i = 0; i < 2000 && *number < least; i++) nap(5);
  CHECK(*number >= least);
}

CASE(hooks_ready_and_drop) {
  heard all = {0};
  opnode_hooks hooks = all_hooks(&all);
  opnode_engine *it = hooked("", &hooks);
  memset(&hooks, 0xEE, sizeof hooks); /* copied */
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(10, ",\"trouble\":\"slow-300\""), 42);
  opnode_buf *buf = NULL;
  CHECK(all.readies == 0);
  ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
  comes(&all.readies, 1);
  CHECK(all.last_tag == 42);
  free(drained(op, OPNODE_DONE));
  comes(&all.progresses, 1);
  uint64_t tags[1];
  size_t n;
  IS(OPNODE_AGAIN, opnode_ready_wait(it, 0, tags, 1, &n));
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OK, opnode_conn_free(conn));
  CHECK(all.drops == 0);
  finish(it);
  comes(&all.drops, 1);
  nap(100);
  CHECK(all.drops == 1 && all.readies == 1 && all.after_drop == 0);
}

/* Progress at most five times a second, and once at the end. */
CASE(hooks_progress_is_limited) {
  heard all = {0};
  opnode_hooks hooks = all_hooks(&all);
  opnode_engine *it = hooked("", &hooks);
  opnode_conn *conn = shop(it);
  int64_t before = now_ms();
  opnode_op *op = start(conn, EMIT(2000), 1);
  free(drained(op, OPNODE_DONE));
  int64_t took = now_ms() - before;
  nap(300);
  CHECK(all.progresses >= 1 && all.progresses <= took / 200 + 2);
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
  comes(&all.drops, 1);
}

CASE(hooks_drop_without_shutdown) {
  heard all = {0};
  opnode_hooks hooks = all_hooks(&all);
  opnode_engine *it = hooked("", &hooks);
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(30, ",\"trouble\":\"stall\""), 1);
  IS(OPNODE_OK, opnode_engine_free(it));
  nap(100);
  CHECK(all.drops == 0);
  IS(OPNODE_OK, opnode_op_free(op));
  IS(OPNODE_OK, opnode_conn_free(conn));
  comes(&all.drops, 1);
  nap(100);
  CHECK(all.drops == 1 && all.after_drop == 0);
}

CASE(hooks_drop_when_no_engine_is_created) {
  heard all = {0};
  opnode_hooks hooks = all_hooks(&all);
  opnode_engine *it = NULL;
  ERR(OPNODE_E_ABI, opnode_engine_new(1, NULL, 0, &hooks, &it, &err));
  CHECK(all.drops == 1);
  ERR(OPNODE_E_USAGE, opnode_engine_new(OPNODE_ABI_VERSION, "{\"x\":1}", OPNODE_NTS, &hooks, &it, &err));
  CHECK(all.drops == 2);
  ERR(OPNODE_E_MISUSE, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, &hooks, NULL, &err));
  CHECK(all.drops == 3);
  ERR(OPNODE_E_DEFINITION, opnode_engine_new(OPNODE_ABI_VERSION, "{\"definitions\":[\"/nowhere\"]}", OPNODE_NTS, &hooks, &it, &err));
  comes(&all.drops, 4);
  hooks.flags = 1;
  ERR(OPNODE_E_USAGE, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, &hooks, &it, &err));
  CHECK(all.drops == 5);
  /* No valid struct size: its members must not be used. */
  uint32_t wrong[] = {0, 4, 15, 5000};
  for (size_t i = 0; i < 4; i++) {
    opnode_hooks odd = all_hooks(&all);
    odd.struct_size = wrong[i];
    ERR(OPNODE_E_USAGE, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, &odd, &it, &err));
  }
  nap(50);
  CHECK(all.drops == 5 && all.readies == 0);
}

/* An older host's struct is shorter, a newer one's longer. */
CASE(hooks_of_other_sizes) {
  for (uint32_t size = 16; size <= 60; size += 4) {
    heard all = {0};
    struct { opnode_hooks hooks; unsigned char more[20]; } room;
    memset(&room, 0xEE, sizeof room);
    room.hooks = all_hooks(&all);
    room.hooks.struct_size = size;
    opnode_engine *it = hooked("", &room.hooks);
    opnode_conn *conn = shop(it);
    opnode_op *op = start(conn, GOODS(3, ",\"trouble\":\"slow-50\""), 3);
    opnode_buf *buf = NULL;
    ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
    if (size >= 32) {
      comes(&all.readies, 1);
    } else {
      uint64_t tag = 0;
      size_t n;
      do IS(OPNODE_OK, opnode_ready_wait(it, 10000, &tag, 1, &n));
      while (tag == 0);
      CHECK(tag == 3);
    }
    free(drained(op, OPNODE_DONE));
    IS(OPNODE_OK, opnode_op_free(op));
    IS(OPNODE_OK, opnode_conn_free(conn));
    finish(it);
    if (size >= 24) comes(&all.drops, 1);
    CHECK(size >= 40 || all.progresses == 0);
  }
}

/* In a callback: blocking calls are refused, all others work, even freeing the engine. */
static void on_ready_calls(void *user_data, uint64_t tag) {
  heard *all = user_data;
  opnode_buf *buf = NULL;
  uint64_t tags[1];
  size_t n;
  (void)tag;
  /* A last tag may arrive after the operation was freed. */
  if (opnode_op_progress(all->op, &(opnode_progress){.struct_size = 8}) == OPNODE_E_HANDLE) return;
  all->misuses += opnode_op_next(all->op, FOREVER, &buf, NULL) == OPNODE_E_MISUSE;
  all->misuses += opnode_op_next(all->op, 1, &buf, NULL) == OPNODE_E_MISUSE;
  all->misuses += opnode_run(all->conn, STALL, OPNODE_NTS, 0, &buf, NULL) == OPNODE_E_MISUSE;
  all->misuses += opnode_ready_wait(all->engine, FOREVER, tags, 1, &n) == OPNODE_E_MISUSE;
  all->misuses += opnode_op_write(all->op, "[]", 2, 0, 100, NULL) == OPNODE_E_MISUSE;
  all->misuses += opnode_engine_shutdown(all->engine, FOREVER) == OPNODE_E_MISUSE;
  int32_t status;
  while ((status = opnode_op_next(all->op, 0, &buf, NULL)) == OPNODE_OK) IS(OPNODE_OK, opnode_buf_free(buf));
  IS(OPNODE_AGAIN, opnode_ready_wait(all->engine, 0, tags, 1, &n));
  IS(OPNODE_OK, opnode_op_cancel(all->op));
  IS(OPNODE_OK, opnode_op_free(all->op));
  IS(OPNODE_OK, opnode_conn_free(all->conn));
  IS(OPNODE_OK, opnode_engine_free(all->engine));
  all->readies++;
}

CASE(hooks_must_not_wait) {
  heard all = {0};
  opnode_hooks hooks = all_hooks(&all);
  hooks.ready = on_ready_calls;
  all.engine = hooked("", &hooks);
  all.conn = shop(all.engine);
  all.op = start(all.conn, GOODS(10, ",\"trouble\":\"slow-200\""), 1);
  opnode_buf *buf = NULL;
  ERR(OPNODE_AGAIN, opnode_op_next(all.op, 0, &buf, &err));
  comes(&all.drops, 1);
  CHECK(all.readies == 1 && all.misuses == 6);
}

/* A callback that does not return delays other callbacks, and nothing else. */
static atomic_int gate;
static void on_ready_blocks(void *user_data, uint64_t tag) {
  on_ready(user_data, tag);
  while (!gate) nap(5);
}

CASE(hooks_that_block) {
  heard all = {0};
  opnode_hooks hooks = all_hooks(&all);
  hooks.ready = on_ready_blocks;
  opnode_engine *it = hooked("", &hooks);
  opnode_conn *conn = shop(it);
  opnode_op *op = start(conn, GOODS(3, ",\"trouble\":\"slow-50\""), 1);
  opnode_buf *buf = NULL;
  ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
  comes(&all.readies, 1);
  int before = all.progresses;
  free(drained(op, OPNODE_DONE));
  free(run(conn, GOODS(30, ""), OPNODE_OK));
  IS(OPNODE_OK, opnode_op_free(op));
  leave(it, conn);
  nap(50);
  CHECK(all.readies == 1 && all.progresses == before && all.drops == 0);
  gate = 1;
  comes(&all.drops, 1);
  CHECK(all.progresses > before && all.after_drop == 0);
}

/* ---- a slow event hook: the queue is bounded, and tags do not wait for log lines ---- */

enum { MADE = 5000 };
static atomic_int holds, in_event, written, dropped_lines, lines, credentials;
static char order[20000]; /* the calls, one letter each */

static void note(char what) { order[written++] = what; }

static void on_event_slow(void *user_data, int32_t kind, const char *json, size_t len) {
  const char *dropped = strstr(json, "\"dropped\":");
  (void)user_data, (void)len;
  note(kind == OPNODE_EVENT_CREDENTIAL ? 'c' : 'l');
  if (kind == OPNODE_EVENT_CREDENTIAL) credentials++;
  if (strstr(json, "\"message\":\"selftest\"")) lines++;
  if (dropped) dropped_lines += atoi(dropped + 10);
  in_event++;
  while (holds) nap(1);
}

static void on_ready_noted(void *user_data, uint64_t tag) {
  (void)user_data;
  note((char)('0' + tag));
}

static void on_progress_noted(void *user_data, uint64_t tag, const opnode_progress *progress) {
  (void)user_data, (void)tag;
  note(progress->state == OPNODE_STATE_RUNNING ? 'p' : 'P');
}

/* A connection of an engine whose event hook blocks until `holds` is 0. */
static opnode_conn *held(heard *all, void (*progress)(void *, uint64_t, const opnode_progress *), opnode_engine **it) {
  opnode_hooks hooks = all_hooks(all);
  hooks.ready = on_ready_noted, hooks.event = on_event_slow, hooks.progress = progress;
  *it = hooked("", &hooks);
  opnode_conn *conn = shop(*it);
  holds = 1;
  free(run(conn, "{\"method\":\"selftest\",\"selftest\":{\"log\":1}}", OPNODE_OK));
  comes(&in_event, 1);
  return conn;
}

CASE(hooks_slow_events) {
  heard all = {0};
  opnode_engine *it;
  opnode_conn *conn = held(&all, on_progress_noted, &it);
  opnode_buf *buf = NULL;
  /* All of this is queued behind the blocked call. */
  free(run(conn, "{\"method\":\"selftest\",\"selftest\":{\"log\":4999}}", OPNODE_OK));
  free(run(conn, "{\"method\":\"selftest\",\"selftest\":{\"rotate\":3}}", OPNODE_OK));
  opnode_op *ops[2];
  for (uint64_t i = 0; i < 2; i++) {
    opnode_progress progress = {.struct_size = sizeof progress};
    ops[i] = start(conn, GOODS(3, ",\"trouble\":\"slow-50\""), i + 1);
    ERR(OPNODE_AGAIN, opnode_op_next(ops[i], 0, &buf, &err));
    while (progress.state == OPNODE_STATE_RUNNING) {
      IS(OPNODE_OK, opnode_op_progress(ops[i], &progress));
      nap(1);
    }
  }
  CHECK(written == 1);
  holds = 0;
  comes(&written, 9);
  for (int i = 0; i < 2; i++) {
    free(drained(ops[i], OPNODE_DONE));
    IS(OPNODE_OK, opnode_op_free(ops[i]));
  }
  leave(it, conn);
  comes(&all.drops, 1);
  /* Tags first, alternating with tokens, then the newest progress of each operation once, then the log. */
  if (strncmp(order, "l1c2ccPPl", 9)) suite_fail(__FILE__, __LINE__, "another order", 0, order);
  CHECK(lines + dropped_lines == MADE && lines == 1 + 1024 && credentials == 3);
}

/* Tags of freed operations are not delivered. */
CASE(hooks_no_tag_of_a_freed_operation) {
  heard all = {0};
  opnode_engine *it;
  opnode_conn *conn = held(&all, NULL, &it);
  opnode_buf *buf = NULL;
  for (int i = 0; i < 3; i++) {
    opnode_op *op = start(conn, STALL, 1);
    ERR(OPNODE_AGAIN, opnode_op_next(op, 0, &buf, &err));
    IS(OPNODE_OK, opnode_op_cancel(op));
    ERR(OPNODE_E_CANCELLED, opnode_op_next(op, FOREVER, &buf, &err));
    IS(OPNODE_OK, opnode_op_free(op));
  }
  holds = 0;
  leave(it, conn);
  comes(&all.drops, 1);
  CHECK(strchr(order, '1') == NULL);
}

CASE(hooks_event) {
  heard all = {0};
  opnode_hooks hooks = all_hooks(&all);
  opnode_engine *it = hooked("", &hooks);
  opnode_conn *conn = shop(it);
  free(run(conn, "{\"method\":\"selftest\",\"selftest\":{\"rotate\":3000}}", OPNODE_OK));
  free(run(conn, "{\"method\":\"selftest\",\"selftest\":\"panic\"}", OPNODE_E_INTERNAL));
  comes(&all.credentials, 3000);
  comes(&all.events, 3001);
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  CHECK(opnode_buf_count(buf) == 0);
  IS(OPNODE_OK, opnode_buf_free(buf));
  leave(it, conn);
  comes(&all.drops, 1);
  CHECK(all.credentials == 3000 && all.after_drop == 0);
}

/* Only the newest log lines are kept; no token is lost. */
CASE(events_are_kept) {
  opnode_engine *it = engine(",\"log\":\"error\"");
  opnode_conn *conn = shop(it);
  uint64_t tags[4];
  size_t n = 0;
  opnode_buf *buf = NULL;
  free(run(conn, "{\"method\":\"selftest\",\"selftest\":{\"rotate\":2000}}", OPNODE_OK));
  for (int i = 0; i < 1100; i++) opnode_run(conn, "{\"method\":\"selftest\",\"selftest\":\"panic\"}", OPNODE_NTS, FOREVER, &buf, NULL);
  IS(OPNODE_OK, opnode_ready_wait(it, 5000, tags, 4, &n));
  CHECK(n == 1 && tags[0] == 0);
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  CHECK(opnode_buf_count(buf) == 2000 + 1 + 1024);
  size_t len = 0;
  HAS(opnode_buf_item(buf, 0, &len), "\"kind\":\"credential\"");
  char *all = text(buf);
  const char *parts[] = {"access-0\"", "refresh-1999\"", "\"dropped\":76", "\"connection\":\"selftest\"", "\"expires_at\":null"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) HAS(all, parts[i]);
  free(all);
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  CHECK(opnode_buf_count(buf) == 0);
  IS(OPNODE_OK, opnode_buf_free(buf));
  leave(it, conn);
}

CASE(events_of_the_log_level) {
  const char *levels[] = {"off", "error", "trace"};
  for (int i = 0; i < 3; i++) {
    char more[40];
    snprintf(more, sizeof more, ",\"log\":\"%s\"", levels[i]);
    opnode_engine *it = engine(more);
    opnode_conn *conn = shop(it);
    opnode_buf *buf = NULL;
    free(run(conn, GOODS(30, ""), OPNODE_OK));
    free(run(conn, "{\"method\":\"selftest\",\"selftest\":\"panic\"}", OPNODE_E_INTERNAL));
    ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
    size_t n = opnode_buf_count(buf);
    CHECK(i == 0 ? n == 0 : i == 1 ? n == 1 : n >= 1);
    char *all = text(buf);
    LACKS(all, "open-sesame");
    LACKS(all, "cm9ib3Q6b3Blbi1zZXNhbWU=");
    free(all);
    IS(OPNODE_OK, opnode_conn_free(conn));
    finish(it);
  }
}
