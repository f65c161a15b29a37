using BitTreeAlloc.Atomics;

namespace BitTreeAlloc.Model.Reports;

/// <summary>What one site saw.</summary>
public sealed record SiteCoverage
{
    /// <summary>The site.</summary>
    public required Site Site { get; init; }

    /// <summary>Compare-exchanges that wrote.</summary>
    public long Successes { get; set; }

    /// <summary>Compare-exchanges that failed.</summary>
    public long Failures { get; set; }

    /// <summary>Most different stores that one load, or read half, took its value from.</summary>
    public int MostSources { get; set; }

    /// <summary>Compare-exchanges that succeeded although the word had changed and come back since the thread looked.</summary>
    public long Aba { get; set; }
}

/// <summary>What the executions of a scenario cover.</summary>
public sealed record CoverageReport
{
    /// <summary>Name of the scenario.</summary>
    public required string Scenario { get; init; }

    /// <summary>Executions in which every thread ended.</summary>
    public long Complete { get; set; }

    /// <summary>Executions in which a thread waits for ever.</summary>
    public long Blocked { get; set; }

    /// <summary>Graphs built and found inconsistent.</summary>
    public long Discarded { get; set; }

    /// <summary>Whether every execution was looked at.</summary>
    public bool IsExhaustive { get; set; }

    /// <summary>Deviation bound, or null.</summary>
    public int? Bound { get; set; }

    /// <summary>Different final states: words and results of threads.</summary>
    public int FinalStates { get; set; }

    /// <summary>Executions that no interleaving explains.</summary>
    public long WeakOnly { get; set; }

    /// <summary>Executions that x64 does not show.</summary>
    public long BeyondTso { get; set; }

    /// <summary>Most operations of one thread in one execution.</summary>
    public int MostOperations { get; set; }

    /// <summary>The sites met.</summary>
    public IReadOnlyList<SiteCoverage> Sites { get; set; } = [];

    /// <summary>Why the scenario may be too weak to see anything; empty for a good one.</summary>
    public IReadOnlyList<string> Flags { get; set; } = [];
}
