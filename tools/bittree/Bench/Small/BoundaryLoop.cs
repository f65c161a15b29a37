using System.Runtime.CompilerServices;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Small;

/// <summary>
/// Pairs at every fill level of the cache: while 0, 2, 4, … 256 objects of 64 bytes are held, 1 to 4 objects are allocated and freed, newest first. A cache that is full or empty at one of these levels
/// must not pay at each pair there. The time is that of the median level.
/// </summary>
internal sealed class BoundaryLoop() : SmallLoop("boundary", "Pairs of depth 1 to 4, 64 bytes, with 0, 2, … 256 objects held, twice what a magazine has: the median level, and the slowest over it; untouched.")
{
    /// <summary>From one level to the next.</summary>
    internal const int Step = 2;

    /// <summary>The largest depth; the pairs of all depths together are the granule.</summary>
    internal const int Deepest = 4;

    private const int Highest = 256;

    /// <inheritdoc/>
    public override bool? Touched => false;

    /// <inheritdoc/>
    public override int Granule => Deepest * (Deepest + 1) / 2;

    /// <inheritdoc/>
    public override int Parts => (Highest / Step) + 1;

    /// <inheritdoc/>
    public override double TimeOf(double[] parts) => RoundTimer.Median(parts);

    /// <summary>The slowest level by the medians of the rounds: the slowest of one round is more often the machine's doing.</summary>
    public override BenchRow Complete(BenchRow row, IReadOnlyList<double[]> rounds)
    {
        if (rounds.Count == 0)
            return row;
        double[] levels = [.. Enumerable.Range(0, Parts).Select(level => RoundTimer.Median([.. rounds.Select(parts => parts[level])]))];
        return row with { LevelsMaxOverMedian = levels.Max() / RoundTimer.Median(levels) };
    }

    /// <inheritdoc/>
    public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters) => [new BoundaryBody<TAdapter, TBuffer>(adapters[0], Highest)];
}

/// <summary>The objects held, and the pairs on top of them.</summary>
internal sealed class BoundaryBody<TAdapter, TBuffer>(TAdapter adapter, int highest) : SmallBody<TAdapter, TBuffer>(adapter, new SharedRanges())
    where TAdapter : struct, IBenchAdapter<TAdapter, TBuffer>
    where TBuffer : struct
{
    private const int Size = 64;

    private readonly TBuffer[] _held = new TBuffer[highest + BoundaryLoop.Deepest];
    private int _count;

    /// <inheritdoc/>
    public override void Select(int part) => Hold(part * BoundaryLoop.Step);

    /// <inheritdoc/>
    public override void Run(long operations)
    {
        if (Verifying)
            Verify(operations);
        else
            Pairs(operations);
    }

    /// <inheritdoc/>
    public override void End() => Hold(0);

    private void Pairs(long operations)
    {
        ref var adapter = ref Adapter;
        ref var top = ref At(_held, _count);
        for (; operations > 0; operations -= BoundaryLoop.Deepest * (BoundaryLoop.Deepest + 1) / 2)
        {
            for (nint depth = 1; depth <= BoundaryLoop.Deepest; depth++)
            {
                for (nint number = 0; number < depth; number++)
                    Unsafe.Add(ref top, number) = adapter.Alloc(Size);
                for (var number = depth - 1; number >= 0; number--)
                    adapter.Free(Unsafe.Add(ref top, number), Size);
            }
        }
    }

    private void Verify(long operations)
    {
        var level = _count;
        for (; operations > 0; operations -= BoundaryLoop.Deepest * (BoundaryLoop.Deepest + 1) / 2)
        {
            for (var depth = 1; depth <= BoundaryLoop.Deepest; depth++)
            {
                Hold(level + depth);
                Hold(level);
            }
        }
    }

    private void Hold(int count)
    {
        for (; _count < count; _count++)
            _held[_count] = Make<Plain>(ref Adapter, Size, (ulong)_count);
        for (; _count > count; _count--)
            Release<Plain>(ref Adapter, _held[_count - 1], Size, (ulong)_count - 1);
    }
}
