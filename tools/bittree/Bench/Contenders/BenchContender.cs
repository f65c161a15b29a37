using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>A contender by name; the generic subclass knows the adapter that loops are compiled for.</summary>
/// <param name="name">Name in the table and in the JSON file.</param>
/// <param name="isInstance">True where each opening makes a new one that closing ends without a trace.</param>
internal abstract class BenchContender(string name, bool isInstance)
{
    /// <summary>Name in the table and in the JSON file.</summary>
    public string Name { get; } = name;

    /// <summary>True where each opening makes a new one that closing ends without a trace.</summary>
    public bool IsInstance { get; } = isInstance;

    /// <summary>Whether it can do what <paramref name="loop"/> needs.</summary>
    public abstract bool Fits(TimedLoop loop);

    /// <summary>Opens it and makes the parts of <paramref name="loop"/>, one per thread.</summary>
    public abstract LoopBody[] Open(TimedLoop loop);
}

/// <summary>A contender with its adapter.</summary>
internal sealed class BenchContender<TAdapter, TBuffer>(string name, bool isInstance, Func<TAdapter> open) : BenchContender(name, isInstance)
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    /// <inheritdoc/>
    public override bool Fits(TimedLoop loop) => TAdapter.Abilities.HasFlag(loop.Needs);

    /// <inheritdoc/>
    public override LoopBody[] Open(TimedLoop loop)
    {
        var adapters = new TAdapter[loop.Threads];
        adapters[0] = open();
        for (var t = 1; t < adapters.Length; t++)
            adapters[t] = adapters[0].ForThread();
        return loop.Bodies<TAdapter, TBuffer>(adapters);
    }
}
