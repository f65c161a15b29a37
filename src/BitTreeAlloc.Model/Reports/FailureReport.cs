using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>One failing execution, ready to be shown.</summary>
public sealed record FailureReport
{
    internal FailureReport(ExecutionTrace trace)
    {
        Trace = trace;
        Line = Linearization.Of(trace);
    }

    /// <summary>The scenario, as shrunk.</summary>
    public required string Scenario { get; init; }

    /// <summary>The model under which it was found.</summary>
    public required MemoryModel Model { get; init; }

    /// <summary>What is wrong.</summary>
    public required ModelError Error { get; init; }

    /// <summary>What <see cref="Replayer.Replay(Scenarios.Scenario, string)"/> takes; null where the execution is too long for one.</summary>
    public string? Token { get; init; }

    /// <summary>Changes of thread in the line shown.</summary>
    public int ContextSwitches => Line.Switches;

    /// <summary>Operations shown.</summary>
    public int Steps => Line.Order.Length;

    /// <summary>Reads that are stale in the line shown.</summary>
    public int StaleReads => Line.Missed.Count;

    /// <summary>Whether no plain interleaving explains the execution.</summary>
    public bool NeedsWeakMemory => !Line.IsInterleaving;

    /// <summary>Which models allow this very execution.</summary>
    public IReadOnlyDictionary<MemoryModel, bool> Verdicts => Trace.Verdicts;

    /// <summary>The trace as text, one column per thread.</summary>
    public string Text => TextReport.Of(this);

    /// <summary>The trace as one HTML page that needs no other file.</summary>
    public string Html => SequenceDiagram.Page(this);

    internal ExecutionTrace Trace { get; }

    internal Linearization Line { get; }

    /// <summary>Source of every read and coherence order, as one number.</summary>
    internal UInt128 GraphHash { get; init; }
}
