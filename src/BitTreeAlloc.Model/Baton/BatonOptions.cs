using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Reports;

namespace BitTreeAlloc.Model.Baton;

/// <summary>How the next thread is picked.</summary>
public enum BatonStrategy
{
    /// <summary>By the seed, one of the others.</summary>
    Portfolio,

    /// <summary>Any thread, at each operation.</summary>
    Random,

    /// <summary>Random priorities that change at a few random operations (Burckhardt et al., "A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).</summary>
    Pct,

    /// <summary>Threads in proportion to the operations they have left: close to every interleaving being as likely as any other.</summary>
    UniformWalk,

    /// <summary>One thread after the other.</summary>
    Sequential,
}

/// <summary>How a scenario is sampled.</summary>
public sealed record BatonOptions
{
    /// <summary>Under RC11 a part of the executions draws stale reads; under the other models reads give the newest value, which is an execution of each of them.</summary>
    public MemoryModel Model { get; init; } = MemoryModel.Rc11;

    /// <summary>Executions.</summary>
    public long Iterations { get; init; } = 10_000;

    /// <summary>Seed of the first execution; the next one has the next number.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Which part of the seeds, from 0.</summary>
    public int Shard { get; init; }

    /// <summary>How many parts there are.</summary>
    public int Shards { get; init; } = 1;

    /// <summary>The strategy.</summary>
    public BatonStrategy Strategy { get; init; }

    /// <summary>Priority changes of <see cref="BatonStrategy.Pct"/>, plus one: the depth of the bugs it is good at.</summary>
    public int PctDepth { get; init; } = 3;

    /// <summary>Operations of one execution after which it counts as without end.</summary>
    public int MaxOperations { get; init; } = 100_000;

    /// <summary>A planted weakness.</summary>
    public SiteWeakening Weakening { get; init; }
}

/// <summary>What sampling a scenario came to.</summary>
/// <param name="Scenario">Name of the scenario.</param>
/// <param name="Executions">Executions run, up to the first error.</param>
/// <param name="Elapsed">Time taken.</param>
public sealed record BatonReport(string Scenario, long Executions, TimeSpan Elapsed)
{
    /// <summary>The first error, or null.</summary>
    public ModelError? Error { get; init; }

    /// <summary>The seed that shows the error again.</summary>
    public ulong? FailingSeed { get; init; }

    /// <summary>The failing execution as a graph; null where it is longer than a graph holds.</summary>
    public FailureReport? Failure { get; init; }
}
