/* The documented error handling, `must` of first.c, with failing calls. The argument selects the call; the program ends in `must`, or prints how it continued. */
#include <string.h>

#define main first_main
#include "../../examples/hosts/c/first.c"
#undef main

static opnode_engine *engine;
static opnode_conn *connection;
static opnode_op *operation;
static opnode_buf *answer;

static void open_all(void) {
  opnode_error *error;
  must(opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, &engine, &error), &error);
  must(opnode_conn_open(engine, getenv("OPNODE_CONNECTION"), OPNODE_NTS, &connection, &error), &error);
}

int main(int argc, char **argv) {
  const char *call = argc == 2 ? argv[1] : "";
  opnode_error *error;
  if (strcmp(call, "config") == 0) must(opnode_engine_new(OPNODE_ABI_VERSION, "{\"threads\":0}", OPNODE_NTS, NULL, &engine, &error), &error);
  open_all();
  if (strcmp(call, "connection") == 0) must(opnode_conn_open(engine, "{\"connector\":\"nobody\"}", OPNODE_NTS, &connection, &error), &error);
  if (strcmp(call, "definitions") == 0) must(opnode_definitions_load(engine, "[{]", OPNODE_NTS, &error), &error);
  if (strcmp(call, "describe") == 0) must(opnode_describe_template(engine, NULL, 0, "nothing", OPNODE_NTS, &answer, &error), &error);
  if (strcmp(call, "operation") == 0) must(opnode_op_start(connection, "{\"method\":\"query\",\"operationId\":\"nothing\"}", OPNODE_NTS, 1, &operation, &error), &error);
  if (strcmp(call, "run") == 0) must(opnode_run(connection, "{\"method\":\"query\"}", OPNODE_NTS, -1, &answer, &error), &error);
  if (strcmp(call, "null") == 0) must(opnode_conn_open(engine, NULL, OPNODE_NTS, &connection, &error), &error);
  if (strcmp(call, "handle") == 0) {
    opnode_conn_free(connection);
    must(opnode_op_start(connection, "{}", OPNODE_NTS, 1, &operation, &error), &error);
  }
  /* Handles are open. */
  printf("shutdown: %s\n", opnode_status_name(opnode_engine_shutdown(engine, -1)));
  opnode_conn_free(connection);
  printf("shutdown: %s\n", opnode_status_name(opnode_engine_shutdown(engine, -1)));
  opnode_engine_free(engine);
  return 0;
}
