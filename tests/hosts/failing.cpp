// The wrapper where calls fail: each exception has its words, nothing leaks, and no handle that was never made is freed.
#include <cstdlib>
#include <functional>
#include <iostream>

#include "opnode.hpp"

static const char *QUERY = "{\"method\":\"query\",\"operationId\":\"nothing\"}";
static const char *WRITE =
    "{\"method\":\"mutate\",\"operationId\":\"patchSystemMembersById\",\"items\":[{\"id\":7,\"title\":\"a\"},{\"id\":999999,\"title\":\"a\"}]}";

static void fails(const char *what, int32_t status, const std::string &words, const std::function<void()> &call) {
  try {
    call();
  } catch (const opnode::error &error) {
    const std::string told = error.what();
    const bool fits = error.status() == status && told.find(words) != std::string::npos && error.json().find("\"message\":\"") != std::string::npos;
    if (!fits) std::cout << what << ": " << error.name() << ": " << told << " " << error.json() << "\n";
    return;
  }
  std::cout << what << ": no exception\n";
}

// As a program may write it that was made before the order was looked at: both in one expression.
static void in_one_expression(const opnode::engine &engine) {
  opnode_conn *raw = nullptr;
  opnode_error *failure = nullptr;
  opnode::check(opnode_conn_open(engine.get(), "{", OPNODE_NTS, &raw, &failure), failure);
}

int main() {
  const char *spec = std::getenv("OPNODE_CONNECTION"), *unset = std::getenv("OPNODE_IS_NOT_SET");
  fails("config", OPNODE_E_USAGE, "this is not JSON: it ends too early", [] { opnode::engine wrong("["); });
  fails("threads", OPNODE_E_USAGE, "threads: 0 is not within", [] { opnode::engine wrong("{\"threads\":0}"); });
  fails("wakeFd", OPNODE_E_USAGE, "wakeFd: 987 is not open", [] { opnode::engine wrong("{\"wakeFd\":987}"); });
  opnode::engine engine;
  // Many times: a leak shows at the end, and an open handle at the shutdown.
  for (int i = 0; i < 100; i++) {
    fails("null", OPNODE_E_MISUSE, "NULL where a pointer is needed", [&] { engine.open(unset); });
    fails("connection", OPNODE_E_CONNECTION, "siteUrl", [&] { engine.open("{\"connector\":\"connectwise-manage\",\"values\":{}}"); });
    fails("one expression", OPNODE_E_USAGE, "the connection: this is not JSON", [&] { in_one_expression(engine); });
    fails("definitions", OPNODE_E_USAGE, "the definitions: ", [&] { engine.load("[{]"); });
    fails("describe", OPNODE_E_UNKNOWN_OPERATION, "nothing", [&] { engine.describe("connectwise-manage", "nothing"); });
    fails("templates", OPNODE_E_USAGE, "the filter", [&] { engine.templates("connectwise-manage", "{\"x\":1}"); });
  }
  {
    const opnode::connection connection = engine.open(spec);
    opnode::batch outcomes, report;
    fails("start", OPNODE_E_UNKNOWN_OPERATION, "nothing", [&] { connection.start(QUERY); });
    fails("run", OPNODE_E_UNKNOWN_OPERATION, "nothing", [&] { connection.run(QUERY, outcomes); });
    fails("partial", OPNODE_E_PARTIAL, "1 of 2", [&] { connection.run(WRITE, outcomes, report); });
    if (outcomes.size() != 2 || report.json().str().find("\"failed\":[[1,1]]") == std::string::npos)
      std::cout << "partial: " << outcomes.json().str() << report.json().str() << "\n";
    fails("closed", OPNODE_E_MISUSE, "NULL where a pointer is needed", [&] { opnode::connection().start(QUERY); });
    std::cout << "shutdown: " << opnode_status_name(engine.shutdown()) << "\n";
    fails("after the shutdown", OPNODE_E_USAGE, "shut down", [&] { connection.start(QUERY); });
  }
  std::cout << "shutdown: " << opnode_status_name(engine.shutdown()) << "\n";
  return 0;
}
