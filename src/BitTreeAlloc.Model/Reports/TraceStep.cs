using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>One operation of a trace; a read-modify-write is one step.</summary>
internal sealed record TraceStep
{
    /// <summary>The initial value as a source.</summary>
    public const int Initial = -1;

    public required int Thread { get; init; }

    /// <summary>Its place among the steps of its thread.</summary>
    public required int Index { get; init; }

    public required EventKind Kind { get; init; }

    public RmwKind Rmw { get; init; }

    /// <summary>Of a read-modify-write: whether it wrote.</summary>
    public bool Wrote { get; init; }

    public MemoryOrder Order { get; init; }

    public Site Site { get; init; }

    public int Location { get; init; } = -1;

    public string Name { get; init; } = "";

    /// <summary>What was read, as text.</summary>
    public string Read { get; init; } = "";

    /// <summary>What was written, or what was expected and desired of a compare-exchange that failed, or the value chosen.</summary>
    public string Written { get; init; } = "";

    /// <summary>0 or 1: half of a 16-byte location; 2: all of it.</summary>
    public int Half { get; init; }

    /// <summary>Number of the step that was read from, <see cref="Initial"/>, or of no meaning.</summary>
    public int Source { get; set; } = Initial;

    /// <summary>Of what writes: the place in coherence order.</summary>
    public int Place { get; init; } = -1;

    public bool Reads => Kind == EventKind.Read;

    public bool Writes => Kind == EventKind.Write || Wrote;
}
