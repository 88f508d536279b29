// A host in C#: shows templates, reads a query page by page, writes items of which one fails, cancels a long query.
//
//   mcs -out:host.exe Host.cs Opnode.cs          (or put both into a .NET project)
//   LD_LIBRARY_PATH=FOLDER OPNODE_CONNECTION='{"connector": ..., "values": {...}}' mono host.exe
//
// Opnode.cs beside it is the binding; copy it into your project.
using System;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Opnode;

public static class Host
{
    // Set by Ctrl-C.
    private static readonly CancellationTokenSource interrupted = new CancellationTokenSource();

    private const string Write = @"{""method"":""mutate"",""operationId"":""patchSystemMembersById"",""items"":
        [{""id"":7,""title"":""Technician""},{""id"":999999,""title"":""Technician""},{""id"":8,""title"":""Technician""}]}";
    private const string Query = @"{""method"":""query"",""operationId"":""getSystemMembers""}";
    private const string LongQuery = @"{""method"":""query"",""operationId"":""getSystemMembers"",""batch"":{""items"":1}}";

    public static int Main()
    {
        Console.CancelKeyPress += (sender, args) => { args.Cancel = true; interrupted.Cancel(); };
        var spec = Environment.GetEnvironmentVariable("OPNODE_CONNECTION");
        using (var engine = new Engine())
        {
            engine.Event += KeepTokens;
            Run(engine, spec).GetAwaiter().GetResult();
            Console.WriteLine("shutdown: " + engine.Shutdown());
        }
        return interrupted.IsCancellationRequested ? 130 : 0;
    }

    private static async Task Run(Engine engine, string spec)
    {
        using (var connection = engine.Open(spec))
        {
            Console.WriteLine("templates");
            using (var templates = engine.Templates("connectwise-manage", @"{""text"":""members"",""limit"":3}"))
                for (var i = 0; i < templates.Count; i++)
                    Console.WriteLine("  {0}: {1}", Field(templates[i], "template"), Field(templates[i], "title"));

            Console.WriteLine("query");
            var report = await Show(connection, Query, ShowPage);
            foreach (var key in new[] { "pages", "items", "complete" }) Console.WriteLine("  {0}: {1}", key, Field(report, key));

            Console.WriteLine("at once");
            using (var items = connection.Run(Query, 10000, out report))
                Console.WriteLine("  {0} items, complete: {1}", items.Count, Field(report, "complete"));

            Console.WriteLine("mutate");
            report = await Show(connection, Write, ShowOutcomes);
            Console.WriteLine("  state: " + Field(report, "state"));

            Console.WriteLine("cancel");
            report = await Show(connection, LongQuery, ShowPage, 1);
            Console.WriteLine("  state: " + Field(report, "state"));
        }
    }

    // Runs an operation and shows its batches. Returns the report, also after a failure.
    private static async Task<string> Show(Connection connection, string request, Action<int, Batch> show, int batchesMax = int.MaxValue)
    {
        using (var operation = connection.Start(request))
        using (interrupted.Token.Register(operation.Cancel))
        {
            var ended = "done";
            try
            {
                for (var number = 1; ; number++)
                {
                    using (var batch = await operation.NextAsync())
                    {
                        if (batch == null) break;
                        if (number <= batchesMax) show(number, batch);
                        if (number == batchesMax) operation.Cancel();
                    }
                }
            }
            catch (OpnodeException failure)
            {
                ended = failure.Name;  // Message is a text for users, Json has all details
            }
            Console.WriteLine("  ended: " + ended);
            return operation.Report();
        }
    }

    private static void ShowPage(int number, Batch page)
    {
        Console.WriteLine("  page {0}: {1} items, the first is {2}", number, page.Count, Field(page[0], "identifier"));
    }

    private static void ShowOutcomes(int number, Batch outcomes)
    {
        for (var i = 0; i < outcomes.Count; i++)
        {
            var kind = Field(outcomes[i], "kind");
            Console.WriteLine("  item {0}: {1}{2}", Field(outcomes[i], "index"), Field(outcomes[i], "status"), kind == "" ? "" : " (" + kind + ")");
        }
    }

    // Renewed tokens must be stored: the old ones are invalid. Pass them as "tokens" of the next connection.
    private static void KeepTokens(string json)
    {
        if (Field(json, "kind") != "credential") return;
        Console.WriteLine("new tokens of {0}: put them into your vault here", Field(json, "account"));
    }

    // The plain value of the first `key` in a JSON text. Enough for this example; a real host uses System.Text.Json.
    private static string Field(string json, string key)
    {
        return Regex.Match(json, "\"" + key + "\": ?\"?([^\",}\\]]*)").Groups[1].Value;
    }
}
