using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Large;

/// <summary>
/// Large buffers, recycled: each thread holds four, and one operation frees one of them and allocates another in its place. The slots are chosen by a seeded generator, the same for each contender
/// within a round. Sizes are 8 MiB all, or 2 to 64 MiB; the buffers are left alone, or a word is written to each page of them and looked at again before they are freed.
/// </summary>
internal sealed class RecycleLoop(bool random, bool touched, int threads) : TimedLoop
{
    /// <summary>Every form of it.</summary>
    public static IReadOnlyList<RecycleLoop> All { get; } =
    [
        .. from threads in (int[])[1, 2]
           from random in (bool[])[false, true]
           from touched in (bool[])[false, true]
           select new RecycleLoop(random, touched, threads),
    ];

    /// <inheritdoc/>
    public override string Name { get; } = $"large-{(random ? "random" : "fixed8m")}-{(touched ? "touched" : "untouched")}-{threads}t";

    /// <inheritdoc/>
    public override string Group => "large";

    /// <inheritdoc/>
    public override string Summary =>
        $"Free one of four buffers of {(random ? "2 to 64 MiB" : "8 MiB")} and allocate another, {(touched ? "a word written to each page" : "untouched")}; {(Threads == 1 ? "one thread" : $"{Threads} threads, four each")}.";

    /// <inheritdoc/>
    public override int Threads { get; } = threads;

    /// <inheritdoc/>
    public override bool? Touched { get; } = touched;

    /// <inheritdoc/>
    public override Abilities Needs => Abilities.Large;

    /// <inheritdoc/>
    public override int Granule => RecyclePlan.Block;

    /// <inheritdoc/>
    public override long MemoryOperations => touched ? 8 * RecyclePlan.Block : 128 * RecyclePlan.Block;

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters)
    {
        var ranges = new SharedRanges();
        return [.. adapters.Select((adapter, thread) => touched
            ? (LoopBody)new RecycleBody<TAdapter, TBuffer, EveryPage>(adapter, thread, random, ranges)
            : new RecycleBody<TAdapter, TBuffer, NoPages>(adapter, thread, random, ranges))];
    }
}
