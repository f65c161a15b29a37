using BitTreeAlloc.Tool.Bench.Small;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>The functions of bench/twin/loops.inc and of <see cref="ManagedLoops{TChecks}"/>, by their names there.</summary>
internal enum LoopKind
{
    /// <summary>Allocate, free.</summary>
    Pair,

    /// <summary>The same with a constant size.</summary>
    Pair64,

    /// <summary>Allocate many, free them in an order.</summary>
    Batch,

    /// <summary>Allocate many of 64 bytes, free them.</summary>
    Burst,

    /// <summary>Free one of many, allocate another.</summary>
    Churn,

    /// <summary>Allocates what a churn holds.</summary>
    Fill,

    /// <summary>Frees it.</summary>
    Drain,

    /// <summary>Places that two threads exchange buffers in.</summary>
    Larson,

    /// <summary>Frees what stands in them.</summary>
    LarsonDrain,

    /// <summary>Allocates into a ring.</summary>
    Produce,

    /// <summary>Frees out of it.</summary>
    Consume,

    /// <summary>A trace.</summary>
    Replay,
}

/// <summary>A loop of the twin.</summary>
/// <param name="Name">What the user types; as in bittree bench.</param>
/// <param name="Bodies">The function of each thread.</param>
/// <param name="Operations">Of a thread in a round; a multiple of a batch.</param>
/// <param name="Unit">What a time is per.</param>
/// <param name="Draw">Its plan, the same each time.</param>
/// <param name="Fill">What runs before the first round, on one thread.</param>
/// <param name="Drain">What runs after the last.</param>
internal sealed record TwinLoop(string Name, LoopKind[] Bodies, ulong Operations, string Unit, Func<LoopPlan> Draw, LoopKind? Fill = null, LoopKind? Drain = null)
{
    private const int Small = 1024;
    private const int Big = 100_000;

    /// <summary>All of them.</summary>
    public static IReadOnlyList<TwinLoop> All { get; } =
    [
        new("pair-mixed", [LoopKind.Pair], 500_000, "pair", () => LoopPlan.Draw(1, 1, Mixed, OrderOfFrees.Same)),
        new("pair-64", [LoopKind.Pair64], 1_000_000, "pair", () => LoopPlan.Draw(1, 1, Mixed, OrderOfFrees.Same)),
        new("batch-fifo", [LoopKind.Batch], 300_000, "buffer", () => LoopPlan.Draw(1, 1000, Mixed, OrderOfFrees.Same)),
        new("batch-random", [LoopKind.Batch], 300_000, "buffer", () => LoopPlan.Draw(1, 1000, Mixed, OrderOfFrees.Random)),
        new("burst-500", [LoopKind.Burst], 500_000, "buffer", () => LoopPlan.Draw(1, 500, Mixed, OrderOfFrees.Same)),
        new("burst-5000", [LoopKind.Burst], 500_000, "buffer", () => LoopPlan.Draw(1, 5000, Mixed, OrderOfFrees.Same)),
        new("churn-1k", [LoopKind.Churn], 300_000, "replacement", () => LoopPlan.Draw(1, Small, Programs, OrderOfFrees.Places), LoopKind.Fill, LoopKind.Drain),
        new("churn-100k", [LoopKind.Churn], 300_000, "replacement", () => LoopPlan.Draw(1, Big, Programs, OrderOfFrees.Places), LoopKind.Fill, LoopKind.Drain),
        new("pc-1x1", [LoopKind.Produce, LoopKind.Consume], 200_000, "buffer", () => LoopPlan.Draw(1, 1, Mixed, OrderOfFrees.Same)),
        new("larson-2t", [LoopKind.Larson, LoopKind.Larson], 200_000, "exchange", () => LoopPlan.Draw(2, Small, Larson, OrderOfFrees.Places), null, LoopKind.LarsonDrain),
    ];

    /// <summary>The loop of a trace.</summary>
    public static TwinLoop Of(Tool.Traces.Trace trace) => new($"trace-{trace.Name}", [LoopKind.Replay], (ulong)trace.Events.Length, "event", () => LoopPlan.Of(trace));

    // The tables of bittree bench.
    private static uint[] Mixed(int seed) => SizeTable.Uniform(16, 1024, seed);

    private static uint[] Programs(int seed) => SizeTable.Programs(seed);

    private static uint[] Larson(int seed) => SizeTable.Uniform(16, 512, seed);
}
