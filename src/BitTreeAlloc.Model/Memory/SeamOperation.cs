using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Memory;

/// <summary>One operation of the seam with its operands: what a mutant may change, leave out or put off.</summary>
internal struct SeamOperation
{
    public EventKind Kind;
    public RmwKind Rmw;
    public MemoryOrder Order;
    public Site Site;

    /// <summary>Which half a read of a 16-byte word wants.</summary>
    public int Half;

    /// <summary>Number of the location.</summary>
    public int Location;

    /// <summary>Value to write, operand, or what is expected.</summary>
    public ulong Low;
    public ulong High;
    public ulong DesiredLow;
    public ulong DesiredHigh;
}

/// <summary>What an operation of the seam came to: the value before, and whether it wrote.</summary>
internal readonly record struct SeamResult(ulong Low, ulong High, bool Wrote);

/// <summary>
/// A protocol mutant: stands between the shipped code and the engine and plants one mistake, so that what is killed is the shipped code but for that mistake.
/// State it keeps belongs to the running thread and is forgotten when a thread begins.
/// </summary>
internal abstract class SeamMutant
{
    public abstract string Name { get; }

    /// <summary>What is wrong, in a sentence.</summary>
    public abstract string Mistake { get; }

    /// <summary>Why nothing can show it, where nothing can; null for a mutant that has to die.</summary>
    public virtual string? Equivalent => null;

    public virtual void BeginThread()
    {
    }

    public abstract SeamResult Run(ModelMemory memory, in SeamOperation operation);
}
