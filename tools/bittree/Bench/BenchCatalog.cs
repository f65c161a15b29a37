namespace BitTreeAlloc.Tool.Bench;

/// <summary>The loops, by name.</summary>
internal static class BenchCatalog
{
    /// <summary>All of them, in the order of the list.</summary>
    public static IReadOnlyList<IBenchLoop> Loops { get; } = [new LatencyTrimLoop()];

    /// <summary>The loop of that name, or null.</summary>
    public static IBenchLoop? Find(string name) => Loops.FirstOrDefault(loop => loop.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}
