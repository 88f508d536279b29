// A host in C++: shows templates, reads a query page by page, writes items of which one fails, cancels a long query.
//
//   c++ -std=c++17 -Iinclude examples/hosts/cpp/host.cpp -o host -L FOLDER -l opnode -Wl,-rpath,FOLDER
//   OPNODE_CONNECTION='{"connector": ..., "values": {...}}' ./host
#include <csignal>
#include <cstdlib>
#include <initializer_list>
#include <iostream>
#include <string>

#include "opnode.hpp"

// Set by Ctrl-C. Waits are split into 100 ms, so that it is noticed soon; opnode itself handles no signals.
static volatile std::sig_atomic_t interrupted = 0;
static void on_interrupt(int) { interrupted = 1; }

// The plain value of the first `key` in a JSON text. Enough for this example; a real host reads JSON with its own library.
static std::string field(opnode::text json, const std::string &key) {
  const std::string all = json.str(), quoted = "\"" + key + "\":";
  std::string::size_type at = all.find(quoted);
  if (at == std::string::npos) return std::string();
  at = all.find_first_not_of(" \"", at + quoted.size());
  return all.substr(at, all.find_first_of("\",}]", at) - at);
}

// The next batch or the end. After Ctrl-C the operation is cancelled, and its end comes as an exception.
static bool next(const opnode::operation &operation, opnode::batch &batch) {
  for (;;) {
    const int32_t status = operation.next(100, batch);
    if (status != OPNODE_AGAIN) return status == OPNODE_OK;
    if (interrupted) operation.cancel();
  }
}

static void show_page(int number, const opnode::batch &page) {
  std::cout << "  page " << number << ": " << page.size() << " items, the first is " << field(page[0], "identifier") << "\n";
}

static void show_outcomes(int, const opnode::batch &outcomes) {
  for (opnode::text outcome : outcomes) {
    const std::string kind = field(outcome, "kind");
    std::cout << "  item " << field(outcome, "index") << ": " << field(outcome, "status");
    if (!kind.empty()) std::cout << " (" << kind << ")";
    std::cout << "\n";
  }
}

// Runs an operation, shows its batches, then why it ended and parts of the report. It is cancelled after `batches_max` batches.
static void run(const opnode::connection &connection, opnode::text request, void (*show)(int, const opnode::batch &),
                std::initializer_list<const char *> keys, int batches_max = 1000) {
  const opnode::operation operation = connection.start(request);
  const char *ended = "done";
  std::string told;
  try {
    opnode::batch batch;
    for (int number = 1; next(operation, batch); number++) {
      if (number <= batches_max) show(number, batch);
      if (number == batches_max) operation.cancel();
    }
  } catch (const opnode::error &error) {
    ended = error.name();  // error.what() is a text for users, error.json() has all details
  }
  std::cout << "  ended: " << ended << "\n";
  const opnode::batch report = operation.report();
  for (const char *key : keys) std::cout << "  " << key << ": " << field(report.json(), key) << "\n";
}

// Everything at once, for answers that are small. Waits to its end or for 10 s, and hears no Ctrl-C meanwhile. The report is there after an exception too.
static void run_at_once(const opnode::connection &connection, opnode::text request) {
  opnode::batch items, report;
  connection.run(request, items, report, 10000);
  std::cout << "  " << items.size() << " items, complete: " << field(report.json(), "complete") << "\n";
}

static int host(const char *spec) {
  const opnode::engine engine;
  {
    // Everything in this block is freed automatically, in any order.
    const opnode::connection connection = engine.open(spec);

    std::cout << "templates\n";
    for (opnode::text found : engine.templates("connectwise-manage", "{\"text\":\"members\",\"limit\":3}"))
      std::cout << "  " << field(found, "template") << ": " << field(found, "title") << "\n";

    std::cout << "query\n";
    run(connection, "{\"method\":\"query\",\"operationId\":\"getSystemMembers\"}", show_page, {"pages", "items", "complete"});

    std::cout << "at once\n";
    if (!interrupted) run_at_once(connection, "{\"method\":\"query\",\"operationId\":\"getSystemMembers\"}");

    std::cout << "mutate\n";
    run(connection,
        "{\"method\":\"mutate\",\"operationId\":\"patchSystemMembersById\",\"items\":[{\"id\":7,\"title\":\"Technician\"},"
        "{\"id\":999999,\"title\":\"Technician\"},{\"id\":8,\"title\":\"Technician\"}]}",
        show_outcomes, {"state"});

    std::cout << "cancel\n";
    run(connection, "{\"method\":\"query\",\"operationId\":\"getSystemMembers\",\"batch\":{\"items\":1}}", show_page, {"state"}, 1);
  }
  // OPNODE_OK also means that no handle is open.
  std::cout << "shutdown: " << opnode_status_name(engine.shutdown(10000)) << std::endl;
  return interrupted ? 130 : 0;
}

int main() {
  const char *spec = std::getenv("OPNODE_CONNECTION");
  if (!spec) return std::cerr << "OPNODE_CONNECTION is not set\n", 2;
  std::signal(SIGINT, on_interrupt);
  try {
    return host(spec);
  } catch (const opnode::error &error) {
    std::cerr << error.name() << ": " << error.what() << "\n";
    return 1;
  }
}
