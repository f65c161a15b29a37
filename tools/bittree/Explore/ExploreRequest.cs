using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Tool.Explore;

/// <summary>What 'bittree explore' was asked to do.</summary>
internal sealed record ExploreRequest
{
    /// <summary>Names, prefixes or patterns; empty with <see cref="All"/>.</summary>
    public IReadOnlyList<string> Scenarios { get; init; } = [];

    public bool All { get; init; }

    public bool List { get; init; }

    public string Engine { get; init; } = "graph";

    public MemoryModel Model { get; init; } = MemoryModel.Rc11;

    public int? Bound { get; init; }

    public long? Iterations { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>From 0.</summary>
    public int Shard { get; init; }

    public int Shards { get; init; } = 1;

    public string? Replay { get; init; }

    public bool Mutants { get; init; }

    public bool Bench { get; init; }

    public string? Json { get; init; }

    public string? Html { get; init; }
}

/// <summary>One scenario's figures.</summary>
internal sealed record ExploreRow(string Scenario, string Engine, string Model, long Executions, long Blocked, bool Exhaustive, int? Bound, int Bugs, double Seconds);
