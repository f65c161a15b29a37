using BitTreeAlloc.Tool.Bench.Contenders;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>
/// A loop that times operations of all contenders against each other. A family of loops is a subclass in a file of its own: it says how many threads there are and makes their parts; rounds,
/// calibration, ratios, memory and rows are the same for all.
/// </summary>
internal abstract class TimedLoop : IBenchLoop
{
    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public abstract string Group { get; }

    /// <inheritdoc/>
    public abstract string Summary { get; }

    /// <inheritdoc/>
    public virtual int DefaultRounds => BenchRequest.DefaultRounds;

    /// <inheritdoc/>
    public bool ComparesAllocators => true;

    /// <summary>Threads that run it at the same time.</summary>
    public abstract int Threads { get; }

    /// <summary>
    /// Threads whose operations count. Where they are fewer than all, the others only take what these make: then the time is wall time per operation of all makers together, from the first start to
    /// the last end.
    /// </summary>
    public virtual int Makers => Threads;

    /// <summary>What a contender must be able to do.</summary>
    public virtual Abilities Needs => Abilities.None;

    /// <summary>Parts that are timed one after the other in each round, with the same number of operations.</summary>
    public virtual int Parts => 1;

    /// <summary>Whether the buffers are written to; null where the loop has only one form.</summary>
    public virtual bool? Touched => null;

    /// <summary>Operations of a thread come in multiples of this, each of the same mix.</summary>
    public abstract int Granule { get; }

    /// <summary>The time of a round from that of its parts, in nanoseconds per operation.</summary>
    public virtual double TimeOf(double[] parts) => parts[0];

    /// <summary>Puts into a row what the parts say beyond the time; an entry per round.</summary>
    public virtual BenchRow Complete(BenchRow row, IReadOnlyList<double[]> rounds) => row;

    /// <summary>The process that measures memory looks at it after so many operations of a thread.</summary>
    public virtual int MemoryStep => 1;

    /// <summary>Operations of a thread in the process that measures memory.</summary>
    public abstract long MemoryOperations { get; }

    /// <summary>The parts of the loop, one per adapter.</summary>
    public abstract LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters)
        where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
        where TBuffer : struct;

    /// <inheritdoc/>
    public IBenchSeries Start(BenchRequest request, Profile profile) => new TimedSeries(this, request, profile, BenchContenders.Make(request, profile).FindAll(contender => contender.Fits(this)));
}
