// opnode for Node: opnode.h by koffi.
'use strict';
const koffi = require('koffi');

const library = koffi.load(process.env.OPNODE_LIBRARY || 'libopnode.so');
const [OK, DONE] = [0, 1];
const NTS = 0xffffffffffffffffn; // a text that ends at its NUL, as koffi passes strings

// Handles are tokens of the size of a pointer: numbers here, never looked into.
const declare = (result, name, parameters) => library.func(`${result} opnode_${name}(${parameters})`);
const native = {
  statusName: declare('const char *', 'status_name', 'int32_t status'),
  engineNew: declare('int32_t', 'engine_new', 'uint32_t abi, const char *cfg, size_t len, void *hooks, _Out_ uintptr_t *out, _Out_ uintptr_t *err'),
  engineShutdown: declare('int32_t', 'engine_shutdown', 'uintptr_t engine, int64_t timeout'),
  engineFree: declare('int32_t', 'engine_free', 'uintptr_t engine'),
  readyWait: declare('int32_t', 'ready_wait', 'uintptr_t engine, int64_t timeout, _Out_ uint64_t *tags, size_t cap, _Out_ size_t *count'),
  describeTemplates: declare('int32_t', 'describe_templates',
    'uintptr_t engine, const char *connector, size_t len, const char *filter, size_t filterLen, _Out_ uintptr_t *out, _Out_ uintptr_t *err'),
  search: declare('int32_t', 'search',
    'uintptr_t engine, const char *query, size_t len, const char *filter, size_t filterLen, _Out_ uintptr_t *out, _Out_ uintptr_t *err'),
  connOpen: declare('int32_t', 'conn_open', 'uintptr_t engine, const char *spec, size_t len, _Out_ uintptr_t *out, _Out_ uintptr_t *err'),
  connFree: declare('int32_t', 'conn_free', 'uintptr_t conn'),
  runReport: declare('int32_t', 'run_report',
    'uintptr_t conn, const char *request, size_t len, int64_t timeout, _Out_ uintptr_t *items, _Out_ uintptr_t *report, _Out_ uintptr_t *err'),
  opStart: declare('int32_t', 'op_start', 'uintptr_t conn, const char *request, size_t len, uint64_t tag, _Out_ uintptr_t *out, _Out_ uintptr_t *err'),
  opNext: declare('int32_t', 'op_next', 'uintptr_t op, int64_t timeout, _Out_ uintptr_t *out, _Out_ uintptr_t *err'),
  opReport: declare('int32_t', 'op_report', 'uintptr_t op, _Out_ uintptr_t *out, _Out_ uintptr_t *err'),
  opCancel: declare('int32_t', 'op_cancel', 'uintptr_t op'),
  opFree: declare('int32_t', 'op_free', 'uintptr_t op'),
  bufData: declare('const char *', 'buf_data', 'uintptr_t buf, void *len'),
  bufFree: declare('int32_t', 'buf_free', 'uintptr_t buf'),
  errorJson: declare('const char *', 'error_json', 'uintptr_t error, void *len'),
  errorFree: declare('int32_t', 'error_free', 'uintptr_t error'),
};

class OpnodeError extends Error {
  constructor(status, details) {
    super(details.message || native.statusName(status));
    Object.assign(this, { status, name: native.statusName(status), details });
  }
}

// Returns a result or throws the failure. Frees the error.
function check(status, error = 0) {
  if (status >= 0) return status;
  const details = error ? JSON.parse(native.errorJson(error, null)) : {};
  native.errorFree(error);
  throw new OpnodeError(status, details);
}

// A call with an out-parameter and an error: the result, and what came out.
function give(call, ...parameters) {
  const [out, error] = [[0], [0]];
  const status = check(call(...parameters, out, error), error[0]);
  return [status, out[0]];
}

// A buffer as JavaScript data; frees it.
function read(buffer) {
  const data = JSON.parse(native.bufData(buffer, null));
  native.bufFree(buffer);
  return data;
}

// One loop serves all operations of an engine: it occupies one thread of Node's pool, not one for each operation.
class Engine {
  #waiters = new Map();
  #tags = 0;
  #over = false;

  constructor(config = {}) {
    [, this.handle] = give(native.engineNew, 0x00010002, JSON.stringify(config), NTS, null);
    this.loop = this.#serve();
  }

  async #serve() {
    const wait = (...parameters) => new Promise((resolve, reject) =>
      native.readyWait.async(...parameters, (error, status) => (error ? reject(error) : resolve(status))));
    const tags = new BigUint64Array(64);
    while (!this.#over) {
      const count = [0];
      check(await wait(this.handle, 100, tags, tags.length, count));
      // A tag may arrive late, when nothing waits for it; tag 0 means events, which this host does not read.
      for (const tag of tags.subarray(0, Number(count[0]))) this.#waiters.get(Number(tag))?.();
    }
  }

  // The batches of an operation. Leaving the loop early cancels it.
  async *batches(connection, request, control = {}) {
    const tag = ++this.#tags;
    const [, operation] = give(native.opStart, connection, JSON.stringify(request), NTS, tag);
    control.cancel = () => check(native.opCancel(operation));
    try {
      for (;;) {
        // Created before the call: after "again", the tag may arrive at once.
        const ready = new Promise((resolve) => this.#waiters.set(tag, resolve));
        const [status, batch] = give(native.opNext, operation, 0);
        if (status === DONE) return;
        if (status === OK) yield read(batch);
        else await ready;
      }
    } finally {
      this.#waiters.delete(tag);
      control.report = read(give(native.opReport, operation)[1]);
      native.opFree(operation);
    }
  }

  // Everything at once: the items (or a write's outcomes; null when there are none) and the report, whose "state" and "error" describe its end. Rejects
  // when the request was refused. Occupies a thread of Node's pool until its end.
  async run(connection, request, timeoutMs) {
    const [items, report, error] = [[0], [0], [0]];
    const status = await new Promise((resolve, reject) =>
      native.runReport.async(connection, JSON.stringify(request), NTS, timeoutMs, items, report, error, (failed, result) => (failed ? reject(failed) : resolve(result))));
    if (!report[0]) check(status, error[0]);
    if (error[0]) native.errorFree(error[0]);
    return { items: items[0] ? read(items[0]) : null, report: read(report[0]) };
  }

  templates(connector, filter) {
    return read(give(native.describeTemplates, this.handle, connector, NTS, JSON.stringify(filter), NTS)[1]);
  }

  search(query, filter = {}) {
    return read(give(native.search, this.handle, query, NTS, JSON.stringify(filter), NTS)[1]);
  }

  open(spec) {
    return give(native.connOpen, this.handle, JSON.stringify(spec), NTS)[1];
  }

  close(connection) {
    native.connFree(connection);
  }

  // "ok" also means that no handle is open.
  async end() {
    this.#over = true;
    await this.loop;
    const status = await new Promise((resolve, reject) =>
      native.engineShutdown.async(this.handle, 10000, (error, result) => (error ? reject(error) : resolve(result))));
    native.engineFree(this.handle);
    return native.statusName(status);
  }
}

module.exports = { Engine, OpnodeError };
