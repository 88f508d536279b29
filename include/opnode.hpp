/*
 * opnode.hpp: opnode.h for C++11 and later. Handles free themselves and can only be moved; results are values, failures are exceptions.
 *
 *   opnode::engine engine("{\"log\": \"warn\"}");
 *   opnode::connection connection = engine.open(spec);
 *   opnode::operation walk = connection.start("{\"method\": \"query\", \"operationId\": \"getSystemMembers\"}");
 *   while (opnode::batch page = walk.next())
 *     for (opnode::text item : page) std::cout.write(item.data, item.size) << '\n';
 *
 * The rules of opnode.h apply. Destructors never block and never throw.
 */
#ifndef OPNODE_HPP
#define OPNODE_HPP

#include <cstring>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#if __cplusplus >= 201703L
#include <string_view>
#endif

#include "opnode.h"

namespace opnode {

/* Borrowed bytes of a batch or of the caller's string. */
struct text {
  const char *data;
  size_t size;
  text() : data(nullptr), size(0) {}
  text(const char *d, size_t n) : data(d), size(n) {}
  text(const char *nul_ended) : data(nul_ended), size(nul_ended ? std::strlen(nul_ended) : 0) {}
  text(const std::string &s) : data(s.data()), size(s.size()) {}
  std::string str() const { return data ? std::string(data, size) : std::string(); }
#if __cplusplus >= 201703L
  text(std::string_view s) : data(s.data()), size(s.size()) {}
  operator std::string_view() const { return std::string_view(data, size); }
#endif
};

/* A failure: what() is the message, json() all details. */
class error : public std::runtime_error {
 public:
  error(int32_t status, const std::string &message, std::string json)
      : std::runtime_error(message), status_(status), json_(std::move(json)) {}
  int32_t status() const { return status_; }
  const char *name() const { return opnode_status_name(status_); }
  const std::string &json() const { return json_; }

 private:
  int32_t status_;
  std::string json_;
};

/*
 * Throws if a call failed; returns its result otherwise. Takes the error handle by reference and reads it after the call, so both may be in one
 * expression, whose parts may be evaluated in any order.
 */
inline int32_t check(int32_t status, opnode_error *const &failure = nullptr) {
  if (status >= 0) return status;
  size_t size = 0;
  const char *data = failure ? opnode_error_message(failure, &size) : nullptr;
  std::string message = data ? std::string(data, size) : std::string(opnode_status_name(status));
  data = failure ? opnode_error_json(failure, &size) : nullptr;
  std::string json = data ? std::string(data, size) : std::string("{}");
  if (failure) opnode_error_free(failure);
  throw error(status, message, std::move(json));
}

/* The out-parameter of a call, as the class that owns it. */
template <class Owner, class Raw, class Call>
Owner made(Call call) {
  Raw *raw = nullptr;
  opnode_error *failure = nullptr;
  int32_t status = call(&raw, &failure);
  check(status, failure);
  return Owner(raw);
}

/* Owns one handle; can be moved, not copied. */
template <class T, int32_t (*Free)(T *)>
class handle {
 public:
  handle() : raw_(nullptr) {}
  explicit handle(T *raw) : raw_(raw) {}
  handle(handle &&other) noexcept : raw_(other.release()) {}
  handle &operator=(handle &&other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  handle(const handle &) = delete;
  handle &operator=(const handle &) = delete;
  ~handle() { reset(); }
  T *get() const { return raw_; }
  explicit operator bool() const { return raw_ != nullptr; }
  T *release() {
    T *raw = raw_;
    raw_ = nullptr;
    return raw;
  }
  void reset(T *raw = nullptr) {
    if (raw_) Free(raw_);
    raw_ = raw;
  }

 private:
  T *raw_;
};

/* A JSON text; of an array also its items, as slices that are valid as long as the batch. An empty batch converts to false. */
class batch : public handle<opnode_buf, opnode_buf_free> {
 public:
  batch() {}
  explicit batch(opnode_buf *raw) : handle(raw) {}
  size_t size() const { return get() ? opnode_buf_count(get()) : 0; }
  text json() const {
    text all;
    if (get()) all.data = opnode_buf_data(get(), &all.size);
    return all;
  }
  text operator[](size_t index) const {
    text item;
    item.data = opnode_buf_item(get(), index, &item.size);
    return item;
  }
  class iterator {
   public:
    typedef std::input_iterator_tag iterator_category;
    typedef text value_type;
    typedef std::ptrdiff_t difference_type;
    typedef const text *pointer;
    typedef text reference;
    iterator(const batch *of, size_t at) : of_(of), at_(at) {}
    text operator*() const { return (*of_)[at_]; }
    iterator &operator++() { return ++at_, *this; }
    iterator operator++(int) { iterator before = *this; return ++at_, before; }
    bool operator==(const iterator &other) const { return at_ == other.at_; }
    bool operator!=(const iterator &other) const { return at_ != other.at_; }

   private:
    const batch *of_;
    size_t at_;
  };
  iterator begin() const { return iterator(this, 0); }
  iterator end() const { return iterator(this, size()); }
};

/* A running operation. */
class operation : public handle<opnode_op, opnode_op_free> {
 public:
  operation() {}
  explicit operation(opnode_op *raw) : handle(raw) {}
  /* Waits for the next batch; an empty one means that there are no more. */
  batch next() const {
    batch out;
    while (next(-1, out) == OPNODE_AGAIN) {}
    return out;
  }
  /* OPNODE_OK, OPNODE_DONE or OPNODE_AGAIN. */
  int32_t next(int64_t timeout_ms, batch &out) const {
    opnode_buf *raw = nullptr;
    opnode_error *failure = nullptr;
    int32_t status = opnode_op_next(get(), timeout_ms, &raw, &failure);
    out.reset(raw);
    return check(status, failure);
  }
  /* OPNODE_OK, or OPNODE_AGAIN if no item was taken. */
  int32_t write(text items, bool last = false, int64_t timeout_ms = -1) const {
    opnode_error *failure = nullptr;
    int32_t status = opnode_op_write(get(), items.data, items.size, last ? OPNODE_LAST : 0u, timeout_ms, &failure);
    return check(status, failure);
  }
  opnode_progress progress() const {
    opnode_progress now = opnode_progress();
    now.struct_size = sizeof now;
    check(opnode_op_progress(get(), &now));
    return now;
  }
  batch report() const {
    return made<batch, opnode_buf>([&](opnode_buf **out, opnode_error **err) { return opnode_op_report(get(), out, err); });
  }
  void cancel() const { check(opnode_op_cancel(get())); }
};

/* A connection. */
class connection : public handle<opnode_conn, opnode_conn_free> {
 public:
  connection() {}
  explicit connection(opnode_conn *raw) : handle(raw) {}
  operation start(text request, uint64_t tag = 1) const {
    return made<operation, opnode_op>([&](opnode_op **out, opnode_error **err) { return opnode_op_start(get(), request.data, request.size, tag, out, err); });
  }
  /* Runs to the end. If only some items succeed, `out` gets the outcomes before the exception is thrown. */
  void run(text request, batch &out, int64_t timeout_ms = -1) const {
    opnode_buf *raw = nullptr;
    opnode_error *failure = nullptr;
    int32_t status = opnode_run(get(), request.data, request.size, timeout_ms, &raw, &failure);
    out.reset(raw);
    check(status, failure);
  }
  /* The same, with the report; `report` is also set before an exception is thrown. */
  void run(text request, batch &out, batch &report, int64_t timeout_ms = -1) const {
    opnode_buf *raw = nullptr, *told = nullptr;
    opnode_error *failure = nullptr;
    int32_t status = opnode_run_report(get(), request.data, request.size, timeout_ms, &raw, &told, &failure);
    out.reset(raw);
    report.reset(told);
    check(status, failure);
  }
};

/* An engine. Its destructor does not wait; call shutdown first to wait for the end. */
class engine : public handle<opnode_engine, opnode_engine_free> {
 public:
  explicit engine(text config = text(), const opnode_hooks *hooks = nullptr) {
    opnode_engine *raw = nullptr;
    opnode_error *failure = nullptr;
    int32_t status = opnode_engine_new(OPNODE_ABI_VERSION, config.data, config.size, hooks, &raw, &failure);
    check(status, failure);
    reset(raw);
  }
  /* OPNODE_OK, or OPNODE_OPEN when handles are still open. */
  int32_t shutdown(int64_t timeout_ms = -1) const { return check(opnode_engine_shutdown(get(), timeout_ms)); }
  /* The number of tags written; 0 on timeout. */
  size_t ready_wait(int64_t timeout_ms, uint64_t *tags, size_t cap) const {
    size_t count = 0;
    check(opnode_ready_wait(get(), timeout_ms, tags, cap, &count));
    return count;
  }
  connection open(text spec) const {
    return made<connection, opnode_conn>([&](opnode_conn **out, opnode_error **err) { return opnode_conn_open(get(), spec.data, spec.size, out, err); });
  }
  void load(text definitions) const {
    opnode_error *failure = nullptr;
    int32_t status = opnode_definitions_load(get(), definitions.data, definitions.size, &failure);
    check(status, failure);
  }
  batch events() const {
    return made<batch, opnode_buf>([&](opnode_buf **out, opnode_error **err) { return opnode_events_take(get(), out, err); });
  }
  batch connectors() const {
    return made<batch, opnode_buf>([&](opnode_buf **out, opnode_error **err) { return opnode_describe_connectors(get(), out, err); });
  }
  batch templates(text connector = text(), text filter = text()) const {
    return made<batch, opnode_buf>([&](opnode_buf **out, opnode_error **err) { return opnode_describe_templates(get(), connector.data, connector.size, filter.data, filter.size, out, err); });
  }
  batch search(text query, text filter = text()) const {
    return made<batch, opnode_buf>([&](opnode_buf **out, opnode_error **err) { return opnode_search(get(), query.data, query.size, filter.data, filter.size, out, err); });
  }
  batch describe(text connector, text name) const {
    return made<batch, opnode_buf>([&](opnode_buf **out, opnode_error **err) { return opnode_describe_template(get(), connector.data, connector.size, name.data, name.size, out, err); });
  }
};

}  // namespace opnode

#endif /* OPNODE_HPP */
