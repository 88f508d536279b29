// Leaves handles of all kinds to the garbage collector, while other threads use theirs.
using System;
using System.Threading;
using System.Threading.Tasks;
using Opnode;

public static class Storm
{
    private static void Leave(Engine engine, int rounds)
    {
        var spec = Environment.GetEnvironmentVariable("OPNODE_CONNECTION");
        for (var i = 0; i < rounds; i++)
        {
            var connection = engine.Open(spec);
            var stalled = connection.Start(@"{""method"":""selftest"",""selftest"":""stall""}");
            stalled.NextAsync();
            var operation = connection.Start(@"{""method"":""selftest"",""selftest"":{""emit"":3}}");
            var batch = operation.NextAsync().Result;
            if (batch == null || batch.Count != 1) throw new Exception("a batch is lost");
            stalled.Report();
            if (i % 10 == 0) GC.Collect();
        }
    }

    public static void Main()
    {
        for (var round = 0; round < 3; round++)
        {
            var engine = new Engine(@"{""selftest"":true}");
            Parallel.For(0, 4, thread => Leave(engine, 50));
            GC.Collect();
            GC.WaitForPendingFinalizers();
            // The engine is freed first deliberately; handles that were opened from it stay valid.
            engine.Dispose();
        }
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Console.WriteLine("survived");
    }
}
