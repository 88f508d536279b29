// opnode for Java: opnode.h by JNA. The same shape fits java.lang.foreign from Java 22 on.
import com.sun.jna.Library;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.LongByReference;
import com.sun.jna.ptr.PointerByReference;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

public final class Opnode implements AutoCloseable {
    static final int OK = 0, DONE = 1;
    private static final int ABI_VERSION = 0x00010002;

    // size_t is a long here, as on every 64-bit system.
    interface Calls extends Library {
        String opnode_status_name(int status);
        int opnode_engine_new(int abi, byte[] cfg, long len, Pointer hooks, PointerByReference out, PointerByReference err);
        int opnode_engine_shutdown(Pointer engine, long timeout);
        int opnode_engine_free(Pointer engine);
        int opnode_ready_wait(Pointer engine, long timeout, long[] tags, long cap, LongByReference count);
        int opnode_describe_templates(Pointer engine, byte[] connector, long connectorLen, byte[] filter, long len, PointerByReference out, PointerByReference err);
        int opnode_search(Pointer engine, byte[] query, long queryLen, byte[] filter, long len, PointerByReference out, PointerByReference err);
        int opnode_conn_open(Pointer engine, byte[] spec, long len, PointerByReference out, PointerByReference err);
        int opnode_conn_free(Pointer conn);
        int opnode_run_report(Pointer conn, byte[] request, long len, long timeout, PointerByReference items, PointerByReference report, PointerByReference err);
        int opnode_op_start(Pointer conn, byte[] request, long len, long tag, PointerByReference out, PointerByReference err);
        int opnode_op_next(Pointer op, long timeout, PointerByReference out, PointerByReference err);
        int opnode_op_report(Pointer op, PointerByReference out, PointerByReference err);
        int opnode_op_cancel(Pointer op);
        int opnode_op_free(Pointer op);
        Pointer opnode_buf_item(Pointer buf, long index, LongByReference len);
        long opnode_buf_count(Pointer buf);
        Pointer opnode_buf_data(Pointer buf, LongByReference len);
        int opnode_buf_free(Pointer buf);
        Pointer opnode_error_message(Pointer error, LongByReference len);
        Pointer opnode_error_json(Pointer error, LongByReference len);
        int opnode_error_free(Pointer error);
    }

    public static final class Failure extends RuntimeException {
        public final int status;
        public final String name, json;

        Failure(int status, String name, String message, String json) {
            super(message);
            this.status = status;
            this.name = name;
            this.json = json;
        }
    }

    /** The result of an operation that was run at once: items, or a write's outcomes; possibly none. */
    public static final class Answer {
        public final String[] items;
        public final String report;

        Answer(String[] items, String report) {
            this.items = items;
            this.report = report;
        }
    }

    private interface Giving { int call(PointerByReference out, PointerByReference err); }

    private final Calls calls;
    private final Pointer engine;
    private final Thread thread = new Thread(this::serve, "opnode-ready");
    private final Map<Long, CompletableFuture<Void>> waiters = new ConcurrentHashMap<>();
    private final AtomicLong tags = new AtomicLong();
    private volatile boolean over;

    public Opnode(String library, String config) {
        calls = Native.load(library, Calls.class);
        byte[] text = utf8(config);
        engine = give((out, err) -> calls.opnode_engine_new(ABI_VERSION, text, text.length, null, out, err)).getValue();
        // One thread waits for all operations. It does not keep the program alive.
        thread.setDaemon(true);
        thread.start();
    }

    private void serve() {
        long[] ready = new long[64];
        LongByReference count = new LongByReference();
        while (!over) {
            check(calls.opnode_ready_wait(engine, 100, ready, ready.length, count), null);
            for (int i = 0; i < count.getValue(); i++) {
                // A tag may arrive late, when nothing waits for it; tag 0 means events, which this host does not read.
                CompletableFuture<Void> waiter = waiters.remove(ready[i]);
                if (waiter != null) waiter.complete(null);
            }
        }
    }

    public String[] templates(String connector, String filter) {
        byte[] name = utf8(connector), text = utf8(filter);
        return items(give((out, err) -> calls.opnode_describe_templates(engine, name, name.length, text, text.length, out, err)).getValue());
    }

    public String[] search(String query, String filter) {
        byte[] words = utf8(query), text = utf8(filter);
        return items(give((out, err) -> calls.opnode_search(engine, words, words.length, text, text.length, out, err)).getValue());
    }

    public Connection open(String spec) {
        byte[] text = utf8(spec);
        return new Connection(give((out, err) -> calls.opnode_conn_open(engine, text, text.length, out, err)).getValue());
    }

    // "ok" also means that no handle is open.
    public String shutdown(long timeoutMs) {
        return calls.opnode_status_name(check(calls.opnode_engine_shutdown(engine, timeoutMs), null));
    }

    @Override public void close() throws InterruptedException {
        over = true;
        thread.join();
        calls.opnode_engine_free(engine);
    }

    public final class Connection implements AutoCloseable {
        private final Pointer handle;
        private Connection(Pointer of) { handle = of; }
        public Operation start(String request) { return new Operation(handle, request); }

        // Runs an operation at once. The report's "state" and "error" describe its end; throws when the request was refused. Blocks.
        public Answer run(String request, long timeoutMs) {
            byte[] text = utf8(request);
            PointerByReference items = new PointerByReference(), report = new PointerByReference(), err = new PointerByReference();
            int status = calls.opnode_run_report(handle, text, text.length, timeoutMs, items, report, err);
            if (report.getValue() == null) check(status, err.getValue());
            if (err.getValue() != null) calls.opnode_error_free(err.getValue());
            return new Answer(items.getValue() == null ? new String[0] : items(items.getValue()), text(report.getValue()));
        }

        @Override public void close() { calls.opnode_conn_free(handle); }
    }

    public final class Operation implements AutoCloseable {
        private final Pointer handle;
        private final long tag = tags.incrementAndGet();

        private Operation(Pointer connection, String request) {
            byte[] text = utf8(request);
            handle = give((out, err) -> calls.opnode_op_start(connection, text, text.length, tag, out, err)).getValue();
        }

        // The items of the next batch; null at the end.
        public String[] next() {
            while (true) {
                // Created before the call: after "again", the tag may arrive at once.
                CompletableFuture<Void> ready = new CompletableFuture<>();
                waiters.put(tag, ready);
                PointerByReference out = new PointerByReference(), err = new PointerByReference();
                int status = check(calls.opnode_op_next(handle, 0, out, err), err.getValue());
                if (status == OK) return items(out.getValue());
                if (status == DONE) return null;
                ready.join();
            }
        }

        public void cancel() { check(calls.opnode_op_cancel(handle), null); }
        public String report() { return text(give((out, err) -> calls.opnode_op_report(handle, out, err)).getValue()); }

        @Override public void close() {
            waiters.remove(tag);
            calls.opnode_op_free(handle);
        }
    }

    // The items of a buffer; frees it.
    private String[] items(Pointer buffer) {
        LongByReference size = new LongByReference();
        String[] all = new String[(int) calls.opnode_buf_count(buffer)];
        for (int i = 0; i < all.length; i++) all[i] = read(calls.opnode_buf_item(buffer, i, size), size);
        calls.opnode_buf_free(buffer);
        return all;
    }

    // The whole text of a buffer; frees it.
    private String text(Pointer buffer) {
        LongByReference size = new LongByReference();
        String all = read(calls.opnode_buf_data(buffer, size), size);
        calls.opnode_buf_free(buffer);
        return all;
    }

    private PointerByReference give(Giving giving) {
        PointerByReference out = new PointerByReference(), err = new PointerByReference();
        check(giving.call(out, err), err.getValue());
        return out;
    }

    // Returns a result or throws the failure. Frees the error.
    private int check(int status, Pointer error) {
        if (status >= 0) return status;
        LongByReference size = new LongByReference();
        String message = read(calls.opnode_error_message(error, size), size), json = read(calls.opnode_error_json(error, size), size);
        calls.opnode_error_free(error);
        throw new Failure(status, calls.opnode_status_name(status), message, json);
    }

    private static String read(Pointer data, LongByReference size) {
        return data == null ? "" : new String(data.getByteArray(0, (int) size.getValue()), StandardCharsets.UTF_8);
    }

    private static byte[] utf8(String text) { return text.getBytes(StandardCharsets.UTF_8); }
}
