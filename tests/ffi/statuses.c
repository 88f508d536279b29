/* Every status that a server, a connection or a request can cause. */
#include "suite.h"

static void gives(opnode_conn *conn, const char *trouble, int32_t status) {
  char request[300];
  snprintf(request, sizeof request, "{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"trouble\":\"%s\"}}", trouble);
  opnode_op *op = start(conn, request, 1);
  free(drained(op, status));
  char *told = report(op);
  char kind[60];
  snprintf(kind, sizeof kind, "\"kind\":\"%s\"", opnode_status_name(status));
  HAS(told, kind);
  free(told);
  IS(OPNODE_OK, opnode_op_free(op));
}

CASE(statuses_of_the_server) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  gives(conn, "status-400", OPNODE_E_REJECTED);
  gives(conn, "status-401", OPNODE_E_UNAUTHENTICATED);
  gives(conn, "status-403", OPNODE_E_FORBIDDEN);
  gives(conn, "status-404", OPNODE_E_NOT_FOUND);
  gives(conn, "status-409", OPNODE_E_CONFLICT);
  gives(conn, "status-429", OPNODE_E_RATE_LIMITED);
  gives(conn, "status-500", OPNODE_E_UNAVAILABLE);
  gives(conn, "status-503", OPNODE_E_UNAVAILABLE);
  gives(conn, "reset", OPNODE_E_NETWORK);
  gives(conn, "html", OPNODE_E_BAD_RESPONSE);
  gives(conn, "circle", OPNODE_E_NO_PROGRESS);
  gives(conn, "elsewhere", OPNODE_E_ORIGIN);
  leave(it, conn);
}

CASE(statuses_of_limits) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop_with(it, "\"page_bytes\":100");
  char *json;
  opnode_buf *buf = NULL;
  CHECK(opnode_run(conn, GOODS(10, ""), OPNODE_NTS, FOREVER, &buf, &err) == OPNODE_E_LIMIT);
  json = failure(err);
  HAS(json, "page_bytes");
  free(json);
  IS(OPNODE_OK, opnode_conn_free(conn));
  conn = shop_with(it, "\"attempts\":1,\"first_byte_s\":1");
  gives(conn, "stall", OPNODE_E_TIMEOUT);
  leave(it, conn);
}

/* At the limit and one byte past it. */
CASE(status_of_an_answer_too_large) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  char request[200], *all = run(conn, EMIT(30), OPNODE_OK);
  snprintf(request, sizeof request, "{\"method\":\"selftest\",\"selftest\":{\"emit\":30},\"runBytes\":%zu}", strlen(all));
  char *again = run(conn, request, OPNODE_OK);
  CHECK(!strcmp(all, again));
  free(again);
  opnode_buf *buf = (opnode_buf *)8;
  snprintf(request, sizeof request, "{\"method\":\"selftest\",\"selftest\":{\"emit\":30},\"runBytes\":%zu}", strlen(all) - 1);
  CHECK(opnode_run(conn, request, OPNODE_NTS, FOREVER, &buf, &err) == OPNODE_E_LIMIT && !buf);
  free(all);
  char *json = failure(err);
  HAS(json, "runBytes");
  HAS(json, "opnode_op_next");
  free(json);
  leave(it, conn);
}

CASE(status_of_unsupported_methods) {
  opnode_engine *it = engine("");
  opnode_conn *conn = NULL;
  const char *doc = "{\"connector\":\"bare\",\"files\":{\"connector.yaml\":\"version: 1\\nconnector: bare\\ntitle: Bare\\ndescription: Without a probe\\n"
                    "docs: https://bare.example.com\\nconnection: {}\\nbase_url: https://bare.example.com\\nauth: none\\n\"}}";
  ERR(OPNODE_OK, opnode_definitions_load(it, doc, OPNODE_NTS, &err));
  ERR(OPNODE_OK, opnode_conn_open(it, "{\"connector\":\"bare\"}", OPNODE_NTS, &conn, &err));
  free(run(conn, "{\"method\":\"check\"}", OPNODE_E_UNSUPPORTED));
  leave(it, conn);
}

CASE(status_of_a_closed_port) {
  opnode_engine *it = engine("");
  opnode_conn *conn = NULL;
  const char *spec = "{\"connector\":\"shop\",\"limits\":{\"attempts\":1},\"values\":{\"siteUrl\":\"http://127.0.0.1:9\",\"user\":\"u\",\"apiKey\":\"k\"}}";
  ERR(OPNODE_OK, opnode_conn_open(it, spec, OPNODE_NTS, &conn, &err));
  gives(conn, "", OPNODE_E_NETWORK);
  leave(it, conn);
}

/* Requests that are refused at once, each with a word that the message must contain. */
CASE(requests_are_checked) {
  opnode_engine *it = engine("");
  opnode_conn *conn = shop(it);
  struct { const char *request; int32_t status; const char *word; } wrong[] = {
      {"{}", OPNODE_E_USAGE, "method"},
      {"[\"query\",\"listGoods\"]", OPNODE_E_USAGE, "object"},
      {"\"query\"", OPNODE_E_USAGE, "object"},
      {"{\"method\":\"query\"}", OPNODE_E_USAGE, "operationId"},
      {"{\"method\":\"get\",\"operationId\":\"listGoods\"}", OPNODE_E_USAGE, "get"},
      {"{\"method\":\"query\",\"operationID\":\"listGoods\"}", OPNODE_E_USAGE, "operationID"},
      {"{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":[]}", OPNODE_E_USAGE, "options"},
      {"{\"method\":\"query\",\"operationId\":\"listGoods\",\"limit\":-1}", OPNODE_E_USAGE, "limit: expected a whole number"},
      {"{\"method\":\"query\",\"operationId\":\"listGoods\",\"items\":[]}", OPNODE_E_USAGE, "items"},
      {"{\"method\":\"query\",\"operationId\":\"listGoods\",\"stream\":true}", OPNODE_E_USAGE, "items"},
      {"{\"method\":\"query\",\"operationId\":\"listGods\"}", OPNODE_E_UNKNOWN_OPERATION, "listGods"},
      {"{\"method\":\"mutate\",\"operationId\":\"listGoods\",\"items\":[]}", OPNODE_E_UNKNOWN_OPERATION, "listGoods"},
      {"{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"cuont\":1}}", OPNODE_E_INVALID_OPTIONS, "cuont"},
      {"{\"method\":\"query\",\"operationId\":\"listGoods\",\"options\":{\"count\":\"many\"}}", OPNODE_E_INVALID_OPTIONS, "count"},
      {"{\"method\":\"delete\",\"operationId\":\"removeGood\"}", OPNODE_E_INVALID_OPTIONS, "id"},
      {"{\"method\":\"selftest\"}", OPNODE_E_USAGE, "selftest"},
      {"{\"method\":\"selftest\",\"selftest\":{\"emti\":1}}", OPNODE_E_USAGE, "emti"},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    opnode_op *op = (opnode_op *)8;
    int32_t status = opnode_op_start(conn, wrong[i].request, OPNODE_NTS, 1, &op, &err);
    if (status != wrong[i].status) suite_fail(__FILE__, __LINE__, wrong[i].request, status, err ? opnode_error_message(err, NULL) : "");
    CHECK(op == NULL);
    char *json = failure(err);
    HAS(json, wrong[i].word);
    free(json);
  }
  opnode_op *op = (opnode_op *)8;
  CHECK(opnode_op_start(conn, STALL, OPNODE_NTS, 0, &op, &err) == OPNODE_E_USAGE && op == NULL);
  char *json = failure(err);
  HAS(json, "tag");
  free(json);
  leave(it, conn);
}
