"""opnode for Python: opnode.h through ctypes, without other packages. ctypes lets other threads run while a call waits.

    with Engine(path) as engine, engine.open(spec) as connection:
        for page in connection.start({"method": "query", "operationId": "getSystemMembers"}):
            ...

Waits come in slices of 100 ms: Python sees Ctrl-C between two calls, not within one.
"""
import ctypes
import json

OK, DONE, AGAIN, OPEN = range(4)
ABI_VERSION = 0x00010002
LAST = 1
SLICE_MS = 100

Handle, Text, Size, Status = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int32
Millis, Tag, Out = ctypes.c_int64, ctypes.c_uint64, ctypes.POINTER(ctypes.c_void_p)

# The arguments of each function. Returned texts are c_void_p, because c_char_p would ignore their length.
FUNCTIONS = {
    "status_name": (Text, Status),
    "engine_new": (Status, ctypes.c_uint32, Text, Size, Handle, Out, Out),
    "engine_shutdown": (Status, Handle, Millis),
    "engine_free": (Status, Handle),
    "ready_wait": (Status, Handle, Millis, ctypes.POINTER(Tag), Size, ctypes.POINTER(Size)),
    "events_take": (Status, Handle, Out, Out),
    "describe_templates": (Status, Handle, Text, Size, Text, Size, Out, Out),
    "search": (Status, Handle, Text, Size, Text, Size, Out, Out),
    "conn_open": (Status, Handle, Text, Size, Out, Out),
    "conn_free": (Status, Handle),
    "run_report": (Status, Handle, Text, Size, Millis, Out, Out, Out),
    "op_start": (Status, Handle, Text, Size, Tag, Out, Out),
    "op_write": (Status, Handle, Text, Size, ctypes.c_uint32, Millis, Out),
    "op_next": (Status, Handle, Millis, Out, Out),
    "op_report": (Status, Handle, Out, Out),
    "op_cancel": (Status, Handle),
    "op_free": (Status, Handle),
    "buf_data": (Handle, Handle, ctypes.POINTER(Size)),
    "buf_free": (Status, Handle),
    "error_json": (Handle, Handle, ctypes.POINTER(Size)),
    "error_free": (Status, Handle),
}


class Error(Exception):
    """A failure: `status` is the number, `name` its name, `details` all fields."""

    def __init__(self, status, name, details):
        super().__init__(details.get("message", name))
        self.status, self.name, self.details = status, name, details


class Library:
    def __init__(self, path):
        shared = ctypes.CDLL(path)
        for name, (result, *arguments) in FUNCTIONS.items():
            function = getattr(shared, "opnode_" + name)
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def check(self, status, error=None):
        """Returns a result or raises the failure. Frees the error."""
        if status >= 0:
            return status
        details = self._json(self.error_json, error) if error else {}
        self.error_free(error)
        raise Error(status, self.status_name(status).decode(), details)

    def give(self, function, *arguments):
        """A call with an out-parameter and an error; returns its result and the out-parameter."""
        out, error = Handle(), Handle()
        status = function(*arguments, ctypes.byref(out), ctypes.byref(error))
        return self.check(status, error), out

    def read(self, buffer):
        """A buffer as Python data; frees it."""
        try:
            return self._json(self.buf_data, buffer)
        finally:
            self.buf_free(buffer)

    def _json(self, function, handle):
        size = Size()
        data = function(handle, ctypes.byref(size))
        return json.loads(ctypes.string_at(data, size.value)) if data else {}


class Owner:
    """A handle that is freed at the end of a `with`, or when nothing refers to it."""

    def __init__(self, library, handle, free):
        self.library, self.handle, self._free = library, handle, free

    def close(self):
        handle, self.handle = self.handle, Handle()
        if handle:
            self._free(handle)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __del__(self):
        self.close()


class Engine(Owner):
    def __init__(self, path, **config):
        library, text = Library(path), json.dumps(config).encode()
        _, handle = library.give(library.engine_new, ABI_VERSION, text, len(text), None)
        super().__init__(library, handle, library.engine_free)

    def templates(self, connector, **wanted):
        name, text = connector.encode(), json.dumps(wanted).encode()
        return self.library.read(self.library.give(self.library.describe_templates, self.handle, name, len(name), text, len(text))[1])

    def search(self, query, **wanted):
        words, text = query.encode(), json.dumps(wanted).encode()
        return self.library.read(self.library.give(self.library.search, self.handle, words, len(words), text, len(text))[1])

    def open(self, spec):
        text = json.dumps(spec).encode()
        _, handle = self.library.give(self.library.conn_open, self.handle, text, len(text))
        return Connection(self.library, handle, self.library.conn_free)

    def events(self):
        return self.library.read(self.library.give(self.library.events_take, self.handle)[1])

    def ready(self, timeout_ms=0):
        """Tags of operations that are ready; 0 means events."""
        tags, count = (Tag * 64)(), Size()
        self.library.check(self.library.ready_wait(self.handle, timeout_ms, tags, 64, ctypes.byref(count)))
        return tags[: count.value]

    def shutdown(self, timeout_ms=10_000):
        return self.library.status_name(self.library.check(self.library.engine_shutdown(self.handle, timeout_ms))).decode()


class Connection(Owner):
    def start(self, request, tag=1):
        text = json.dumps(request).encode()
        _, handle = self.library.give(self.library.op_start, self.handle, text, len(text), tag)
        return Operation(self.library, handle, self.library.op_free)


    def run(self, request, timeout_ms):
        """Everything at once: the items (or a write's outcomes; None when there are none) and the report, whose "error", if any, is the reason why items are missing.
        Raises when the request was refused. Ctrl-C takes effect at the end."""
        text, items, report, error = json.dumps(request).encode(), Handle(), Handle(), Handle()
        call = self.library.run_report
        status = call(self.handle, text, len(text), timeout_ms, ctypes.byref(items), ctypes.byref(report), ctypes.byref(error))
        if not report:
            self.library.check(status, error)
        told = self.library.read(report)
        if error:
            told["error"] = self.library._json(self.library.error_json, error)
            self.library.error_free(error)
        return self.library.read(items) if items else None, told


class Operation(Owner):
    def next(self, timeout_ms):
        """The next batch, and the result: OK, DONE or AGAIN."""
        status, batch = self.library.give(self.library.op_next, self.handle, timeout_ms)
        return status, self.library.read(batch) if status == OK else None

    def __iter__(self):
        while True:
            status, batch = self.next(SLICE_MS)
            if status == DONE:
                return
            if status == OK:
                yield batch

    def write(self, items, last=False):
        """Passes items to a write that was started with "stream": true; waits while its queue is full."""
        text, error = json.dumps(items).encode(), Handle()
        flags = LAST if last else 0
        while True:
            status = self.library.op_write(self.handle, text, len(text), flags, SLICE_MS, ctypes.byref(error))
            if self.library.check(status, error) == OK:
                return

    def cancel(self):
        self.library.check(self.library.op_cancel(self.handle))

    def report(self):
        return self.library.read(self.library.give(self.library.op_report, self.handle)[1])
