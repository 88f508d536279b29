// The first items in C#.
using System;
using System.Threading.Tasks;
using Opnode;

public static class First
{
    public static void Main() { Run().GetAwaiter().GetResult(); }

    private static async Task Run()
    {
        var request = @"{""method"":""query"",""operationId"":""getSystemMembers"",""options"":{""fields"":""id,identifier""}}";
        using (var engine = new Engine())
        {
            using (var connection = engine.Open(Environment.GetEnvironmentVariable("OPNODE_CONNECTION")))
            using (var operation = connection.Start(request))
            {
                Batch page;
                while ((page = await operation.NextAsync()) != null)
                    using (page)
                        for (var i = 0; i < page.Count; i++) Console.WriteLine(page[i]);
            }
            engine.Shutdown();
        }
    }
}
