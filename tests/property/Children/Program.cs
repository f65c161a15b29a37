namespace BitTreeAlloc.Tests.Property.Children;

/// <summary>The child process: a scenario that would take the test host down with it where the allocator is wrong. Exit code 0 means that it held.</summary>
internal static class Program
{
    private static readonly Dictionary<string, Action<string[]>> s_scenarios = new(StringComparer.Ordinal)
    {
        ["protected-pages"] = ProtectedUserPages.Run,
        ["shared-cache"] = CacheUsedByTwoThreads.Run,
        ["cas-width"] = _ => Console.Write(new BitTreeAllocator().CasWidth),
        ["touch"] = TouchesProtectedPage.Run,
        ["soak"] = SoakProgram.Run,
    };

    public static int Main(string[] arguments)
    {
        try
        {
            s_scenarios[arguments[0]](arguments[1..]);
            return 0;
        }
        catch (Exception failure)
        {
            Console.Error.WriteLine(failure);
            return 3;
        }
    }
}
