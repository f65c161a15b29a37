using BitTreeAlloc.Tool.Bench.Curves;
using BitTreeAlloc.Tool.Bench.Large;
using BitTreeAlloc.Tool.Bench.Latency;
using BitTreeAlloc.Tool.Bench.Replays;
using BitTreeAlloc.Tool.Bench.Small;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>The loops, by name.</summary>
internal static class BenchCatalog
{
    /// <summary>Stands for every loop but those that take long.</summary>
    public const string All = "all";

    /// <summary>All of them, in the order of the list.</summary>
    public static IReadOnlyList<IBenchLoop> Loops { get; } = [.. SmallLoops.All, .. RecycleLoop.All, new LatencyTrimLoop(), new ChurnLatencyLoop(), .. MemoryLoop.All, TraceLoop.Listed, .. CurveLoop.All];

    /// <summary>Names that stand for several loops, apart from <see cref="All"/>.</summary>
    public static IReadOnlyList<string> Groups { get; } = [.. Loops.Select(loop => loop.Group).Distinct()];

    /// <summary>What the user may type, the names of groups first.</summary>
    public static IReadOnlyList<string> Names { get; } = [All, .. Groups, .. Loops.Select(loop => loop.Name)];

    /// <summary>The loop of that name, or null.</summary>
    public static IBenchLoop? Find(string name) => Loops.FirstOrDefault(loop => Is(loop.Name, name));

    /// <summary>The loops that a name stands for: one, those of a group, or all; none where it stands for nothing.</summary>
    public static IEnumerable<IBenchLoop> Select(string name) => Loops.Where(loop => Is(loop.Name, name) || Is(loop.Group, name) || (Is(All, name) && loop.IsInAll));

    private static bool Is(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
}
