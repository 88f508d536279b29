/*
 * A host that makes one call: reads engine.json, connection.json and request.json in its folder, and prints the result as one JSON object:
 * {"status", "batches": [[...], ...], "report", "error"}.
 */
#include <stdio.h>
#include <stdlib.h>

#include "opnode.h"

static char *text_of(const char *name, size_t *len) {
  FILE *file = fopen(name, "rb");
  if (!file) exit(3);
  fseek(file, 0, SEEK_END);
  *len = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*len + 1);
  if (!text || fread(text, 1, *len, file) != *len) exit(3);
  fclose(file);
  return text;
}

static void put(const char *name, const char *json, size_t len) { printf(",\"%s\":%.*s", name, (int)len, json); }

int main(void) {
  opnode_engine *engine = NULL;
  opnode_conn *connection = NULL;
  opnode_op *operation = NULL;
  opnode_buf *buf = NULL;
  opnode_error *error = NULL;
  size_t len;
  char *text = text_of("engine.json", &len);
  int32_t status = opnode_engine_new(OPNODE_ABI_VERSION, text, len, NULL, &engine, &error);
  free(text);
  if (status >= 0) {
    text = text_of("connection.json", &len);
    status = opnode_conn_open(engine, text, len, &connection, &error);
    free(text);
  }
  if (status >= 0) {
    text = text_of("request.json", &len);
    status = opnode_op_start(connection, text, len, 1, &operation, &error);
    free(text);
  }
  const char *comma = "";
  printf("{\"batches\":[");
  while (status >= 0 && (status = opnode_op_next(operation, -1, &buf, &error)) == OPNODE_OK) {
    const char *json = opnode_buf_data(buf, &len);
    printf("%s%.*s", comma, (int)len, json);
    comma = ",";
    opnode_buf_free(buf);
  }
  printf("],\"status\":\"%s\"", opnode_status_name(status));
  if (operation && opnode_op_report(operation, &buf, NULL) >= 0) {
    const char *json = opnode_buf_data(buf, &len);
    put("report", json, len);
    opnode_buf_free(buf);
  }
  if (error) {
    const char *json = opnode_error_json(error, &len);
    put("error", json, len);
    opnode_error_free(error);
  }
  printf("}\n");
  opnode_op_free(operation);
  opnode_conn_free(connection);
  opnode_engine_shutdown(engine, 10000);
  opnode_engine_free(engine);
  return 0;
}
