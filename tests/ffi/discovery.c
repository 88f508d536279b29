/* Discovery: connectors, templates, definitions of the host, connections. */
#include "suite.h"

CASE(describe_connectors) {
  opnode_engine *it = engine("");
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_describe_connectors(it, &buf, &err));
  CHECK(opnode_buf_count(buf) == 1);
  char *all = text(buf);
  const char *parts[] = {"\"connector\":\"shop\"", "\"title\":\"Shop\"", "\"docs\":", "\"connection\":", "apiKey", "\"secret\":true"};
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) HAS(all, parts[i]);
  free(all);
  finish(it);
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, &it, &err));
  ERR(OPNODE_OK, opnode_describe_connectors(it, &buf, &err));
  CHECK(opnode_buf_count(buf) >= 4);
  IS(OPNODE_OK, opnode_buf_free(buf));
  ERR(OPNODE_OK, opnode_describe_templates(it, NULL, 0, "{\"operations\":true}", OPNODE_NTS, &buf, &err));
  CHECK(opnode_buf_count(buf) > 100);
  IS(OPNODE_OK, opnode_buf_free(buf));
  finish(it);
}

static size_t found(opnode_engine *it, const char *filter, const char *first) {
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_describe_templates(it, "shop", OPNODE_NTS, filter, filter ? OPNODE_NTS : 0, &buf, &err));
  size_t n = opnode_buf_count(buf), len;
  if (n > 0 && first) HAS(opnode_buf_item(buf, 0, &len), first);
  IS(OPNODE_OK, opnode_buf_free(buf));
  return n;
}

CASE(describe_templates) {
  opnode_engine *it = engine("");
  CHECK(found(it, NULL, "\"template\":\"few-goods\"") == 2);
  CHECK(found(it, "{}", "\"method\":\"query\"") == 2);
  CHECK(found(it, "{\"method\":\"mutate\"}", "new-bolt") == 1);
  CHECK(found(it, "{\"method\":\"delete\"}", NULL) == 0);
  CHECK(found(it, "{\"method\":\"delete\",\"operations\":true}", "removeGood") == 1);
  CHECK(found(it, "{\"text\":\"FEW stock\"}", "few-goods") == 1);
  CHECK(found(it, "{\"text\":\"few nowhere\"}", NULL) == 0);
  CHECK(found(it, "{\"limit\":1}", "few-goods") == 1);
  CHECK(found(it, "{\"limit\":0}", NULL) == 0);
  CHECK(found(it, "{\"after\":\"shop/few-goods\"}", "new-bolt") == 1);
  CHECK(found(it, "{\"after\":\"shop/zzz\"}", NULL) == 0);
  CHECK(found(it, "{\"operations\":true}", NULL) == 10);
  /* Page by page. */
  char after[100] = "";
  size_t pages = 0;
  for (;;) {
    char filter[200];
    opnode_buf *buf = NULL;
    snprintf(filter, sizeof filter, "{\"operations\":true,\"limit\":1,\"after\":\"%s\"}", after);
    ERR(OPNODE_OK, opnode_describe_templates(it, NULL, 0, filter, OPNODE_NTS, &buf, &err));
    if (opnode_buf_count(buf) == 0) {
      IS(OPNODE_OK, opnode_buf_free(buf));
      break;
    }
    char *one = text(buf), *name = strstr(one, "\"template\":\"") + 12;
    snprintf(after, sizeof after, "shop/%.*s", (int)strcspn(name, "\""), name);
    free(one);
    CHECK(++pages < 20);
  }
  CHECK(pages == 10);
  opnode_buf *buf = NULL;
  const char *wrong[][2] = {{"{\"methods\":\"query\"}", "methods"}, {"{\"method\":\"get\"}", "get"}, {"[]", "object"}, {"{\"limit\":-1}", "whole number"}};
  for (size_t i = 0; i < 4; i++) {
    CHECK(opnode_describe_templates(it, NULL, 0, wrong[i][0], OPNODE_NTS, &buf, &err) == OPNODE_E_USAGE);
    char *json = failure(err);
    HAS(json, wrong[i][1]);
    free(json);
  }
  ERR(OPNODE_E_UNKNOWN_OPERATION, opnode_describe_templates(it, "shopp", OPNODE_NTS, NULL, 0, &buf, &err));
  finish(it);
}

static size_t hits(opnode_engine *it, const char *query, const char *filter, const char *first) {
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_search(it, query, OPNODE_NTS, filter, filter ? OPNODE_NTS : 0, &buf, &err));
  size_t n = opnode_buf_count(buf), len;
  if (n > 0 && first) HAS(opnode_buf_item(buf, 0, &len), first);
  IS(OPNODE_OK, opnode_buf_free(buf));
  return n;
}

CASE(search) {
  opnode_engine *it = engine("");
  CHECK(hits(it, "goods", NULL, "\"operation\":\"listGoods\"") > 1);
  CHECK(hits(it, "goods", "{\"limit\":1}", "\"why\":[{\"as\":\"same\",\"found\":\"goods\",\"in\":\"id\",\"name\":null,\"word\":\"goods\"}]") == 1);
  CHECK(hits(it, "delete a good", NULL, "\"operation\":\"removeGood\"") > 0);
  CHECK(hits(it, "pracel", NULL, "\"as\":\"typo\"") > 0);
  CHECK(hits(it, "new bolt", "{\"templates\":true,\"connector\":\"shop\"}", "\"template\":\"new-bolt\"") > 0);
  CHECK(hits(it, "xyzzy", NULL, NULL) == 0);
  CHECK(hits(it, "", "{}", NULL) == 0);
  CHECK(hits(it, "goods", "{\"limit\":0}", NULL) == 0);
  opnode_buf *buf = NULL;
  const char *wrong[][2] = {{"{\"limits\":1}", "limits"}, {"[]", "object"}, {"{\"templates\":1}", "templates"}};
  for (size_t i = 0; i < 3; i++) {
    CHECK(opnode_search(it, "goods", OPNODE_NTS, wrong[i][0], OPNODE_NTS, &buf, &err) == OPNODE_E_USAGE);
    free(failure(err));
  }
  ERR(OPNODE_E_UNKNOWN_OPERATION, opnode_search(it, "goods", OPNODE_NTS, "{\"connector\":\"shopp\"}", OPNODE_NTS, &buf, &err));
  finish(it);
}

CASE(describe_template) {
  opnode_engine *it = engine("");
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_describe_template(it, "shop", OPNODE_NTS, "new-bolt", OPNODE_NTS, &buf, &err));
  char *one = text(buf);
  HAS(one, "\"items\":[{");
  HAS(one, "\"ask\":[\"/items/0/name\"]");
  free(one);
  ERR(OPNODE_OK, opnode_describe_template(it, NULL, 0, "listGoods", OPNODE_NTS, &buf, &err));
  one = text(buf);
  HAS(one, "\"method\":\"query\"");
  HAS(one, "How many goods there are");
  free(one);
  ERR(OPNODE_OK, opnode_describe_template(it, NULL, 0, "shop/addGood", OPNODE_NTS, &buf, &err));
  IS(OPNODE_OK, opnode_buf_free(buf));
  CHECK(opnode_describe_template(it, "shop", 4, "lstGoods", 8, &buf, &err) == OPNODE_E_UNKNOWN_OPERATION);
  one = failure(err);
  HAS(one, "lstGoods");
  free(one);
  finish(it);
}

/* The text of a file as a JSON string. */
static void quoted(char *out, const char *name) {
  char path[500];
  snprintf(path, sizeof path, "%s/%s", env("SHOP_DEFINITIONS"), name);
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  *out++ = '"';
  for (int c; (c = fgetc(file)) != EOF;) {
    if (c == '"' || c == '\\') *out++ = '\\';
    if (c == '\n') *out++ = '\\', c = 'n';
    *out++ = (char)c;
  }
  strcpy(out, "\"");
  fclose(file);
}

static char *shop_files(void) {
  char connector[5000], goods[5000], templates[5000], *doc = malloc(16000);
  quoted(connector, "operations/shop/connector.yaml");
  quoted(goods, "operations/shop/goods.yaml");
  quoted(templates, "templates/shop/goods.yaml");
  snprintf(doc, 16000, "{\"connector\":\"shop\",\"files\":{\"connector.yaml\":%s,\"goods.yaml\":%s,\"templates.yaml\":%s}}", connector, goods, templates);
  return doc;
}

CASE(definitions_of_the_host) {
  opnode_engine *it = NULL;
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, "{\"builtin\":false}", OPNODE_NTS, NULL, &it, &err));
  ERR(OPNODE_OK, opnode_describe_connectors(it, &buf, &err));
  CHECK(opnode_buf_count(buf) == 0);
  IS(OPNODE_OK, opnode_buf_free(buf));
  char *doc = shop_files();
  ERR(OPNODE_OK, opnode_definitions_load(it, doc, OPNODE_NTS, &err));
  CHECK(found(it, "{\"operations\":true}", NULL) == 9);
  opnode_conn *conn = shop(it);
  char *all = run(conn, GOODS(3, ""), OPNODE_OK);
  HAS(all, "Good 3");
  free(all);
  all = run(conn, "{\"method\":\"query\",\"template\":\"few-goods\"}", OPNODE_OK);
  HAS(all, "Good 3");
  free(all);
  /* Again, as an array: replaces the definitions. */
  char *list = malloc(strlen(doc) + 3);
  sprintf(list, "[%s]", doc);
  ERR(OPNODE_OK, opnode_definitions_load(it, list, OPNODE_NTS, &err));
  free(run(conn, GOODS(3, ""), OPNODE_OK));
  free(list);
  free(doc);
  leave(it, conn);
}

CASE(definitions_with_faults) {
  opnode_engine *it = engine("");
  const char *wrong = "{\"connector\":\"shop\",\"files\":{\"more.yaml\":\"version: 1\\noperations:\\n  listMore:\\n    title: More\\n    methd: query\\n\"}}";
  CHECK(opnode_definitions_load(it, wrong, OPNODE_NTS, &err) == OPNODE_E_DEFINITION);
  char *json = failure(err);
  HAS(json, "more.yaml");
  HAS(json, "\"line\":");
  HAS(json, "\"column\":");
  HAS(json, "methd");
  free(json);
  /* Nothing was added, and the existing definitions work. */
  CHECK(found(it, "{\"operations\":true}", NULL) == 10);
  opnode_conn *conn = shop(it);
  free(run(conn, GOODS(3, ""), OPNODE_OK));
  free(run(conn, "{\"method\":\"query\",\"operationId\":\"listMore\"}", OPNODE_E_UNKNOWN_OPERATION));
  IS(OPNODE_OK, opnode_conn_free(conn));
  /* A valid one together with an invalid one: neither is added. */
  char *doc = shop_files(), *list = malloc(strlen(doc) + strlen(wrong) + 200);
  sprintf(list, "[{\"connector\":\"other\",\"files\":{\"connector.yaml\":\"version: 1\\nconnector: other\\n\"}},%s]", wrong);
  ERR(OPNODE_E_DEFINITION, opnode_definitions_load(it, list, OPNODE_NTS, &err));
  free(list);
  free(doc);
  const char *usage[][2] = {{"{\"conector\":\"x\",\"files\":{}}", "conector"}, {"[7]", "0: expected an object"}, {"{", "it ends too early"}, {"{\"connector\":\"x\"}", "files"}, {"7", "object"}};
  for (size_t i = 0; i < 5; i++) {
    CHECK(opnode_definitions_load(it, usage[i][0], OPNODE_NTS, &err) == OPNODE_E_USAGE);
    json = failure(err);
    HAS(json, usage[i][1]);
    free(json);
  }
  finish(it);
}

/* Each fault with its status and a word of the message; never a value. */
CASE(connections_are_checked) {
  opnode_engine *it = engine("");
#define SECRET "tell-n0body"
  struct { const char *spec; int32_t status; const char *word; } wrong[] = {
      {"{\"connector\":\"shopp\",\"values\":{\"apiKey\":\"" SECRET "\"}}", 0, "shopp"},
      {"{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"https://a.example\",\"user\":\"u\"}}", OPNODE_E_CONNECTION, "apiKey"},
      {"{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"no url\",\"user\":\"u\",\"apiKey\":\"" SECRET "\"}}", OPNODE_E_CONNECTION, "siteUrl"},
      {"{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"http://a.example\",\"user\":\"u\",\"apiKey\":\"" SECRET "\"}}", OPNODE_E_CONNECTION, "unencrypted"},
      {"{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"https://a.example\",\"user\":\"u\",\"apiKei\":\"" SECRET "\"}}", OPNODE_E_CONNECTION, "apiKei"},
      {"{\"connector\":\"shop\",\"values\":{\"siteUrl\":\"https://a.example\",\"user\":\"u\",\"apiKey\":\"\"}}", OPNODE_E_CONNECTION, "apiKey"},
      {"{\"connector\":\"shop\",\"valeus\":{\"apiKey\":\"" SECRET "\"}}", OPNODE_E_USAGE, "valeus"},
      {"{\"connector\":\"shop\",\"values\":\"" SECRET "\"}", OPNODE_E_USAGE, "found text"},
      {"{\"connector\":\"shop\",\"values\":\"" SECRET " \\\" " SECRET "\"}", OPNODE_E_USAGE, "found text"},
      {"{\"connector\":\"shop\",\"values\":[\"" SECRET "\"]}", OPNODE_E_USAGE, "found a list"},
      {"{\"connector\":\"shop\",\"values\":{\"apiKey\":{\"env\":\"" SECRET "\"}}}", OPNODE_E_USAGE, "values.apiKey: expected text, found an object"},
      {"{\"connector\":\"shop\",\"values\":{\"apiKey\":4711471147}}", OPNODE_E_USAGE, "values.apiKey: expected text, found a number"},
      {"{\"connector\":\"shop\",\"values\":{\"apiKey\":\"" SECRET, OPNODE_E_USAGE, "it ends too early"},
      {"{\"connector\":\"shop\",\"limits\":{\"atempts\":1}}", OPNODE_E_USAGE, "atempts"},
      {"{\"connector\":\"shop\",\"tokens\":{\"access_token\":\"" SECRET "\",\"refresh\":\"" SECRET "\"}}", OPNODE_E_USAGE, "refresh"},
      {"{\"connector\":\"shop\",\"tokens\":\"" SECRET "\"}", OPNODE_E_USAGE, "tokens"},
      {"{\"values\":{}}", OPNODE_E_USAGE, "connector"},
      {"[]", OPNODE_E_USAGE, ""},
      {"7", OPNODE_E_USAGE, ""},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    opnode_conn *conn = (opnode_conn *)8;
    int32_t status = opnode_conn_open(it, wrong[i].spec, OPNODE_NTS, &conn, &err);
    if (status >= 0 || (wrong[i].status && status != wrong[i].status)) suite_fail(__FILE__, __LINE__, wrong[i].spec, status, err ? opnode_error_message(err, NULL) : "");
    CHECK(conn == NULL);
    LACKS(opnode_error_message(err, NULL), SECRET);
    char *json = failure(err);
    HAS(json, wrong[i].word);
    LACKS(json, SECRET);
    LACKS(json, "4711471147");
    free(json);
  }
  finish(it);
}

/* Real renewals: the sandbox issues tokens for a few calls; each new pair arrives as an event and opens the next connection. */
CASE(tokens_of_the_host) {
  opnode_engine *it = NULL;
  opnode_conn *conn = NULL;
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, &it, &err));
  ERR(OPNODE_OK, opnode_conn_open(it, env("SANDBOX"), OPNODE_NTS, &conn, &err));
  for (int i = 0; i < 25; i++) free(run(conn, "{\"method\":\"check\"}", OPNODE_OK));
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  char access[600] = "", refresh[600] = "";
  size_t credentials = 0;
  for (size_t i = 0; i < opnode_buf_count(buf); i++) {
    size_t len = 0;
    const char *item = opnode_buf_item(buf, i, &len);
    char *event = strndup(item, len);
    if (strstr(event, "\"kind\":\"credential\"")) {
      credentials++;
      HAS(event, "\"seed\":");
      HAS(event, "\"connection\":\"home\"");
      HAS(event, "\"account\":\"sandbox\"");
      CHECK(sscanf(strstr(event, "\"access_token\":\"") + 16, "%599[^\"]", access) == 1);
      CHECK(sscanf(strstr(event, "\"refresh_token\":\"") + 17, "%599[^\"]", refresh) == 1);
    }
    free(event);
  }
  CHECK(credentials >= 2);
  IS(OPNODE_OK, opnode_buf_free(buf));
  leave(it, conn);
  /* The next process: with the tokens of the last event, nothing is renewed at first. */
  char spec[4000];
  snprintf(spec, sizeof spec, "%.*s,\"tokens\":{\"access_token\":\"%s\",\"refresh_token\":\"%s\",\"expires_at\":null,\"account\":\"sandbox\",\"seed\":null}}", (int)strlen(env("SANDBOX")) - 1,
           env("SANDBOX"), access, refresh);
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, NULL, 0, NULL, &it, &err));
  ERR(OPNODE_OK, opnode_conn_open(it, spec, OPNODE_NTS, &conn, &err));
  memset(spec, 0, sizeof spec);
  free(run(conn, "{\"method\":\"check\"}", OPNODE_OK));
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  char *events = text(buf);
  LACKS(events, "credential");
  free(events);
  leave(it, conn);
}

CASE(tokens_in_a_file) {
  opnode_engine *it = NULL;
  opnode_conn *conn = NULL;
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, "{\"tokens\":{\"file\":\"/proc/nowhere/tokens\"}}", OPNODE_NTS, NULL, &it, &err));
  ERR(OPNODE_OK, opnode_conn_open(it, env("SANDBOX"), OPNODE_NTS, &conn, &err));
  free(run(conn, "{\"method\":\"check\"}", OPNODE_E_STATE));
  leave(it, conn);
  ERR(OPNODE_OK, opnode_engine_new(OPNODE_ABI_VERSION, "{\"tokens\":{\"file\":\"tokens\"}}", OPNODE_NTS, NULL, &it, &err));
  ERR(OPNODE_OK, opnode_conn_open(it, env("SANDBOX"), OPNODE_NTS, &conn, &err));
  free(run(conn, "{\"method\":\"check\"}", OPNODE_OK));
  CHECK(access("tokens", F_OK) == 0);
  opnode_buf *buf = NULL;
  ERR(OPNODE_OK, opnode_events_take(it, &buf, &err));
  char *events = text(buf);
  LACKS(events, "credential");
  free(events);
  leave(it, conn);
}
