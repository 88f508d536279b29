/* Reads all items one by one, as a host does. */
#include <opnode.h>
#include <stdio.h>
#include <stdlib.h>

static void must(int32_t status, int32_t wanted) {
  if (status != wanted) exit(fprintf(stderr, "%s\n", opnode_status_name(status)));
}

int main(int argc, char **argv) {
  opnode_engine *engine = NULL;
  opnode_conn *conn = NULL;
  opnode_op *op = NULL;
  opnode_buf *buf = NULL;
  char text[1000];
  size_t items = 0, bytes = 0, len = 0;
  int32_t status;
  if (argc != 4) return 2;
  snprintf(text, sizeof text, "{\"builtin\":false,\"definitions\":[\"%s\"]}", argv[2]);
  must(opnode_engine_new(OPNODE_ABI_VERSION, text, OPNODE_NTS, NULL, &engine, NULL), OPNODE_OK);
  snprintf(text, sizeof text, "{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"%s\",\"user\":\"u\",\"apiKey\":\"k\"},\"limits\":{\"page_size\":1000}}", argv[1]);
  must(opnode_conn_open(engine, text, OPNODE_NTS, &conn, NULL), OPNODE_OK);
  snprintf(text, sizeof text, "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"count\":%s}}", argv[3]);
  must(opnode_op_start(conn, text, OPNODE_NTS, 1, &op, NULL), OPNODE_OK);
  while ((status = opnode_op_next(op, -1, &buf, NULL)) == OPNODE_OK) {
    size_t count = opnode_buf_count(buf);
    for (size_t i = 0; i < count; i++) {
      bytes += opnode_buf_item(buf, i, &len) ? len : 0;
      items++;
    }
    opnode_buf_free(buf);
  }
  must(status, OPNODE_DONE);
  opnode_op_free(op);
  opnode_conn_free(conn);
  must(opnode_engine_shutdown(engine, -1), OPNODE_OK);
  opnode_engine_free(engine);
  printf("%zu items, %zu bytes\n", items, bytes);
  return 0;
}
