/*
 * A host in C: shows templates, reads a query page by page, writes items of which one fails, cancels a long query.
 *
 *   cc -std=c99 -Iinclude examples/hosts/c/host.c -o host -L FOLDER -l opnode -Wl,-rpath,FOLDER
 *   OPNODE_CONNECTION='{"connector": ..., "values": {...}}' ./host
 */
#define _POSIX_C_SOURCE 200112L
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opnode.h"

/* Set by Ctrl-C. Waits are split into 100 ms, so that it is noticed soon; opnode itself handles no signals. */
static volatile sig_atomic_t interrupted;
static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

/* The plain value of the first `key` in a JSON text. Enough for this example; a real host reads JSON with its own library. */
static const char *field(const char *json, size_t len, const char *key, char *into, size_t room) {
  char quoted[64];
  int quoted_len = snprintf(quoted, sizeof quoted, "\"%s\":", key);
  into[0] = 0;
  for (size_t at = 0; at + (size_t)quoted_len < len; at++) {
    if (memcmp(json + at, quoted, (size_t)quoted_len) != 0) continue;
    const char *from = json + at + quoted_len, *end = json + len;
    while (from < end && (*from == ' ' || *from == '"')) from++;
    size_t size = 0;
    while (from + size < end && size + 1 < room && !strchr("\",}]", from[size])) size++;
    memcpy(into, from, size);
    into[size] = 0;
    break;
  }
  return into;
}

/* Ends the program for failures that this example does not expect. The host owns the error, so it is freed here. It is passed by its address, because the
 * arguments of a call may be evaluated in any order: in must(call(&error), error), the second may be the value from before the call. */
static void must(int32_t status, opnode_error **error) {
  if (status >= 0) return;
  const char *message = *error ? opnode_error_message(*error, NULL) : "";
  fprintf(stderr, "%s: %s\n", opnode_status_name(status), message);
  opnode_error_free(*error);
  exit(1);
}

/* The next batch or the end. After Ctrl-C the operation is cancelled and ends with OPNODE_E_CANCELLED. */
static int32_t next(opnode_op *op, opnode_buf **batch, opnode_error **error) {
  for (;;) {
    int32_t status = opnode_op_next(op, 100, batch, error);
    if (status != OPNODE_AGAIN) return status;
    if (interrupted) opnode_op_cancel(op);
  }
}

static void report(opnode_op *op, const char *const *keys) {
  opnode_buf *buf = NULL;
  opnode_error *error = NULL;
  must(opnode_op_report(op, &buf, &error), &error);
  size_t len;
  const char *json = opnode_buf_data(buf, &len);
  char value[64];
  for (; *keys; keys++) printf("  %s: %s\n", *keys, field(json, len, *keys, value, sizeof value));
  opnode_buf_free(buf);
}

/* Runs an operation and shows one line for every batch of a query, or for every outcome of a write. */
static void run(opnode_conn *connection, const char *request, int is_write, const char *const *keys, int batches_max) {
  opnode_op *op = NULL;
  opnode_buf *batch = NULL;
  opnode_error *error = NULL;
  int32_t status;
  char value[64], kind[64];
  int pages = 0;
  must(opnode_op_start(connection, request, OPNODE_NTS, 1, &op, &error), &error);
  while ((status = next(op, &batch, &error)) == OPNODE_OK) {
    size_t count = opnode_buf_count(batch), len = 0;
    const char *item = opnode_buf_item(batch, 0, &len);
    pages++;
    if (!is_write && pages <= batches_max) {
      printf("  page %d: %zu items, the first is %s\n", pages, count, field(item, len, "identifier", value, sizeof value));
    }
    for (size_t i = 0; is_write && i < count; i++) {
      item = opnode_buf_item(batch, i, &len);
      field(item, len, "index", value, sizeof value);
      printf("  item %s: %s", value, field(item, len, "status", kind, sizeof kind));
      if (*field(item, len, "kind", kind, sizeof kind)) printf(" (%s)", kind);
      printf("\n");
    }
    opnode_buf_free(batch);
    if (pages == batches_max) opnode_op_cancel(op);
  }
  printf("  ended: %s\n", opnode_status_name(status));
  if (error) opnode_error_free(error);
  report(op, keys);
  opnode_op_free(op);
}

/* Returns everything at once, for small results. Waits for its end, at most 10 s, and ignores Ctrl-C meanwhile. There is a report after a failure too. */
static void run_at_once(opnode_conn *connection, const char *request) {
  opnode_buf *items = NULL, *told = NULL;
  opnode_error *error = NULL;
  char value[64];
  must(opnode_run_report(connection, request, OPNODE_NTS, 10000, &items, &told, &error), &error);
  size_t len;
  const char *json = opnode_buf_data(told, &len);
  printf("  %zu items, complete: %s\n", opnode_buf_count(items), field(json, len, "complete", value, sizeof value));
  opnode_buf_free(items);
  opnode_buf_free(told);
}

int main(void) {
  static const char *const receipt[] = {"pages", "items", "complete", NULL};
  static const char *const state[] = {"state", NULL};
  const char *spec = getenv("OPNODE_CONNECTION");
  opnode_engine *engine = NULL;
  opnode_conn *connection = NULL;
  opnode_buf *templates = NULL;
  opnode_error *error = NULL;
  char name[64], title[128];
  if (!spec) return fprintf(stderr, "OPNODE_CONNECTION is not set\n"), 2;
  /* Not signal(): in strict C99 it would handle only the first Ctrl-C. */
  sigaction(SIGINT, &(struct sigaction){.sa_handler = on_interrupt}, NULL);

  must(opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, &engine, &error), &error);
  must(opnode_conn_open(engine, spec, OPNODE_NTS, &connection, &error), &error);

  printf("templates\n");
  must(opnode_describe_templates(engine, "connectwise-manage", OPNODE_NTS, "{\"text\":\"members\",\"limit\":3}", OPNODE_NTS, &templates, &error), &error);
  for (size_t i = 0; i < opnode_buf_count(templates); i++) {
    size_t len;
    const char *json = opnode_buf_item(templates, i, &len);
    field(json, len, "template", name, sizeof name);
    printf("  %s: %s\n", name, field(json, len, "title", title, sizeof title));
  }
  opnode_buf_free(templates);

  printf("query\n");
  run(connection, "{\"method\":\"query\",\"operationId\":\"getSystemMembers\"}", 0, receipt, 1000);
  printf("at once\n");
  if (!interrupted) run_at_once(connection, "{\"method\":\"query\",\"operationId\":\"getSystemMembers\"}");
  printf("mutate\n");
  run(connection, "{\"method\":\"mutate\",\"operationId\":\"patchSystemMembersById\",\"items\":[{\"id\":7,\"title\":\"Technician\"},"
                  "{\"id\":999999,\"title\":\"Technician\"},{\"id\":8,\"title\":\"Technician\"}]}", 1, state, 1000);
  printf("cancel\n");
  run(connection, "{\"method\":\"query\",\"operationId\":\"getSystemMembers\",\"batch\":{\"items\":1}}", 0, state, 1);

  opnode_conn_free(connection);
  /* OPNODE_OK also means that no handle is open. */
  printf("shutdown: %s\n", opnode_status_name(opnode_engine_shutdown(engine, 10000)));
  opnode_engine_free(engine);
  return interrupted ? 130 : 0;
}
