// opnode for .NET: opnode.h by P/Invoke. Handles are SafeHandles, so that none leaks and none is freed under a running call.
using System;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Opnode
{
    public sealed class OpnodeException : Exception
    {
        public readonly int Status;
        public readonly string Name, Json;
        public OpnodeException(int status, string message, string json) : base(message)
        {
            Status = status;
            Name = Native.Name(status);
            Json = json;
        }
    }

    public abstract class Handle : SafeHandle
    {
        protected Handle() : base(IntPtr.Zero, true) { }
        public override bool IsInvalid { get { return handle == IntPtr.Zero; } }
    }

    internal static class Native
    {
        // The file is beside the program, or where the system searches for libraries. On mono, MONO_PATH and a dllmap work as well.
        private const string Lib = "opnode";
        internal const int Ok = 0, Done = 1, Again = 2;

        [DllImport(Lib)] internal static extern IntPtr opnode_status_name(int status);
        [DllImport(Lib)] internal static extern int opnode_engine_new(uint abi, byte[] cfg, UIntPtr len, IntPtr hooks, out EngineHandle engine, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_engine_shutdown(EngineHandle engine, long timeout);
        [DllImport(Lib)] internal static extern int opnode_engine_free(IntPtr engine);
        [DllImport(Lib)] internal static extern int opnode_ready_wait(EngineHandle engine, long timeout, ulong[] tags, UIntPtr cap, out UIntPtr count);
        [DllImport(Lib)] internal static extern int opnode_events_take(EngineHandle engine, out BufferHandle buf, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_describe_templates(EngineHandle engine, byte[] connector, UIntPtr connectorLen, byte[] filter, UIntPtr len, out BufferHandle buf, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_search(EngineHandle engine, byte[] query, UIntPtr queryLen, byte[] filter, UIntPtr len, out BufferHandle buf, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_conn_open(EngineHandle engine, byte[] spec, UIntPtr len, out ConnectionHandle conn, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_conn_free(IntPtr conn);
        [DllImport(Lib)] internal static extern int opnode_run_report(ConnectionHandle conn, byte[] request, UIntPtr len, long timeout, out BufferHandle items, out BufferHandle report, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_op_start(ConnectionHandle conn, byte[] request, UIntPtr len, ulong tag, out OperationHandle op, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_op_next(OperationHandle op, long timeout, out BufferHandle buf, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_op_report(OperationHandle op, out BufferHandle buf, out IntPtr err);
        [DllImport(Lib)] internal static extern int opnode_op_cancel(OperationHandle op);
        [DllImport(Lib)] internal static extern int opnode_op_free(IntPtr op);
        [DllImport(Lib)] internal static extern IntPtr opnode_buf_data(BufferHandle buf, out UIntPtr len);
        [DllImport(Lib)] internal static extern UIntPtr opnode_buf_count(BufferHandle buf);
        [DllImport(Lib)] internal static extern IntPtr opnode_buf_item(BufferHandle buf, UIntPtr index, out UIntPtr len);
        [DllImport(Lib)] internal static extern int opnode_buf_free(IntPtr buf);
        [DllImport(Lib)] internal static extern IntPtr opnode_error_message(IntPtr error, out UIntPtr len);
        [DllImport(Lib)] internal static extern IntPtr opnode_error_json(IntPtr error, out UIntPtr len);
        [DllImport(Lib)] internal static extern int opnode_error_free(IntPtr error);

        internal static byte[] Utf8(string text) { return Encoding.UTF8.GetBytes(text); }
        internal static UIntPtr Size(byte[] text) { return (UIntPtr)text.Length; }
        internal static string Name(int status) { return Marshal.PtrToStringAnsi(opnode_status_name(status)); }

        internal static string Read(IntPtr data, UIntPtr len)
        {
            var bytes = new byte[(int)len];
            if (bytes.Length > 0) Marshal.Copy(data, bytes, 0, bytes.Length);
            return Encoding.UTF8.GetString(bytes);
        }

        // Returns a result or throws the failure. Frees the error.
        internal static int Check(int status, IntPtr error = default(IntPtr))
        {
            if (status >= 0) return status;
            UIntPtr len;
            var message = Read(opnode_error_message(error, out len), len);
            var json = Read(opnode_error_json(error, out len), len);
            opnode_error_free(error);
            throw new OpnodeException(status, message, json);
        }
    }

    public sealed class EngineHandle : Handle { protected override bool ReleaseHandle() { return Native.opnode_engine_free(handle) >= 0; } }
    public sealed class ConnectionHandle : Handle { protected override bool ReleaseHandle() { return Native.opnode_conn_free(handle) >= 0; } }
    public sealed class OperationHandle : Handle { protected override bool ReleaseHandle() { return Native.opnode_op_free(handle) >= 0; } }
    public sealed class BufferHandle : Handle { protected override bool ReleaseHandle() { return Native.opnode_buf_free(handle) >= 0; } }

    // A JSON text; for an array also its items.
    public sealed class Batch : IDisposable
    {
        private readonly BufferHandle buffer;
        internal Batch(BufferHandle of) { buffer = of; }
        public int Count { get { return (int)Native.opnode_buf_count(buffer); } }
        public string Json { get { UIntPtr len; return Native.Read(Native.opnode_buf_data(buffer, out len), len); } }
        public string this[int index] { get { UIntPtr len; return Native.Read(Native.opnode_buf_item(buffer, (UIntPtr)index, out len), len); } }
        public void Dispose() { buffer.Dispose(); }
    }

    public sealed class Operation : IDisposable
    {
        private readonly OperationHandle handle;
        private readonly Engine engine;
        private readonly ulong tag;
        internal Operation(Engine of, ConnectionHandle connection, string request)
        {
            engine = of;
            tag = of.NewTag();
            var text = Native.Utf8(request);
            IntPtr error;
            Native.Check(Native.opnode_op_start(connection, text, Native.Size(text), tag, out handle, out error), error);
        }

        // The next batch; null at the end. No thread waits meanwhile.
        public async Task<Batch> NextAsync()
        {
            while (true)
            {
                // Created before the call: after "again", the tag may arrive at once.
                var ready = engine.Waiter(tag);
                BufferHandle buffer;
                IntPtr error;
                var status = Native.Check(Native.opnode_op_next(handle, 0, out buffer, out error), error);
                if (status == Native.Ok) return new Batch(buffer);
                if (status == Native.Done) return null;
                await ready;
            }
        }

        public void Cancel() { Native.Check(Native.opnode_op_cancel(handle)); }

        public string Report()
        {
            BufferHandle buffer;
            IntPtr error;
            Native.Check(Native.opnode_op_report(handle, out buffer, out error), error);
            using (var batch = new Batch(buffer)) return batch.Json;
        }

        public void Dispose()
        {
            engine.Forget(tag);
            handle.Dispose();
        }
    }

    public sealed class Connection : IDisposable
    {
        private readonly ConnectionHandle handle;
        private readonly Engine engine;
        internal Connection(Engine of, ConnectionHandle connection) { engine = of; handle = connection; }
        public Operation Start(string request) { return new Operation(engine, handle, request); }

        // Everything at once: the items (or a write's outcomes; empty when there are none) and the report, whose "state" and "error" describe its end.
        // Throws when the request was refused. Blocks.
        public Batch Run(string request, long timeoutMs, out string report)
        {
            var text = Native.Utf8(request);
            BufferHandle items, told;
            IntPtr error;
            var status = Native.opnode_run_report(handle, text, Native.Size(text), timeoutMs, out items, out told, out error);
            if (told.IsInvalid) Native.Check(status, error);
            if (error != IntPtr.Zero) Native.opnode_error_free(error);
            using (var batch = new Batch(told)) report = batch.Json;
            return new Batch(items);
        }
        public void Dispose() { handle.Dispose(); }
    }

    // One thread waits for all operations of an engine.
    public sealed class Engine : IDisposable
    {
        private readonly EngineHandle handle;
        private readonly Thread thread;
        private readonly ConcurrentDictionary<ulong, TaskCompletionSource<bool>> waiters = new ConcurrentDictionary<ulong, TaskCompletionSource<bool>>();
        private long tags;
        private volatile bool over;

        // Called with the JSON of log and credential events.
        public event Action<string> Event;

        public Engine(string config = "{}")
        {
            var text = Native.Utf8(config);
            IntPtr error;
            Native.Check(Native.opnode_engine_new(0x00010002, text, Native.Size(text), IntPtr.Zero, out handle, out error), error);
            thread = new Thread(Serve) { IsBackground = true, Name = "opnode-ready" };
            thread.Start();
        }

        private void Serve()
        {
            var ready = new ulong[64];
            while (!over)
            {
                UIntPtr count;
                Native.Check(Native.opnode_ready_wait(handle, 100, ready, (UIntPtr)ready.Length, out count));
                for (var i = 0; i < (int)count; i++)
                {
                    TaskCompletionSource<bool> waiter;
                    if (ready[i] == 0) TellEvents();
                    // A tag may arrive late, when nothing waits for it.
                    else if (waiters.TryRemove(ready[i], out waiter)) waiter.TrySetResult(true);
                }
            }
        }

        private void TellEvents()
        {
            BufferHandle buffer;
            IntPtr error;
            Native.Check(Native.opnode_events_take(handle, out buffer, out error), error);
            var told = Event;
            using (var batch = new Batch(buffer))
                for (var i = 0; told != null && i < batch.Count; i++) told(batch[i]);
        }

        internal ulong NewTag() { return (ulong)Interlocked.Increment(ref tags); }
        internal void Forget(ulong tag) { TaskCompletionSource<bool> none; waiters.TryRemove(tag, out none); }
        internal Task Waiter(ulong tag)
        {
            // Continuations run on other threads, so that they do not delay this one.
            return (waiters[tag] = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        public Batch Templates(string connector, string filter)
        {
            byte[] name = Native.Utf8(connector), text = Native.Utf8(filter);
            BufferHandle buffer;
            IntPtr error;
            Native.Check(Native.opnode_describe_templates(handle, name, Native.Size(name), text, Native.Size(text), out buffer, out error), error);
            return new Batch(buffer);
        }

        public Batch Search(string query, string filter)
        {
            byte[] words = Native.Utf8(query), text = Native.Utf8(filter);
            BufferHandle buffer;
            IntPtr error;
            Native.Check(Native.opnode_search(handle, words, Native.Size(words), text, Native.Size(text), out buffer, out error), error);
            return new Batch(buffer);
        }

        public Connection Open(string spec)
        {
            var text = Native.Utf8(spec);
            ConnectionHandle connection;
            IntPtr error;
            var status = Native.opnode_conn_open(handle, text, Native.Size(text), out connection, out error);
            Array.Clear(text, 0, text.Length);
            Native.Check(status, error);
            return new Connection(this, connection);
        }

        // "ok" also means that no handle is open.
        public string Shutdown(long timeoutMs = 10000) { return Native.Name(Native.Check(Native.opnode_engine_shutdown(handle, timeoutMs))); }

        public void Dispose()
        {
            over = true;
            if (Thread.CurrentThread != thread) thread.Join();
            handle.Dispose();
        }
    }
}
