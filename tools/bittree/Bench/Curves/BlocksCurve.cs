using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>
/// The cost of filling a cache from blocks and of emptying it into blocks, as the blocks of a class become more: slots of 16 KiB, four to a block of 64 KiB, untouched. All blocks are full but for
/// those that the measured slots come from: the youngest one, or ones at random all over.
/// </summary>
internal sealed unsafe class BlocksCurve : Curve
{
    private const nuint Slot = 16 << 10;
    private const int PerBlock = 4;
    private const int Turn = 4;
    private const int Turns = 20_000;
    private const int BlocksPerTree = 16_384;
    private const int BytesPerBlock = 512;

    /// <inheritdoc/>
    public override string Name => "curve-blocks";

    /// <inheritdoc/>
    public override string Unit => "blocks";

    /// <inheritdoc/>
    public override string Summary => "A refill and a flush of four slots as the blocks of the class become more: 1 to 16 384, then 4, 16 and 64 trees of as many; untouched.";

    /// <inheritdoc/>
    public override IReadOnlyList<long> Points { get; } = [1, 4, 16, 64, 256, 1024, 4096, BlocksPerTree, 4 * BlocksPerTree, 16 * BlocksPerTree, 64 * BlocksPerTree];

    /// <inheritdoc/>
    public override string? WhyNot(long x) => TooMuch(x * (BytesPerBlock + (PerBlock * sizeof(void*))));

    /// <inheritdoc/>
    public override IEnumerable<CurveSample> Measure(long x, BitTreeAllocatorOptions options)
    {
        using var allocator = new BitTreeAllocator(options);
        var cache = allocator.CreateCache();
        var count = x * PerBlock;
        var live = (void**)NativeMemory.Alloc((nuint)count, (nuint)sizeof(void*));
        try
        {
            for (long i = 0; i < count; i++)
                live[i] = allocator.Alloc(ref cache, Slot);
            cache.Park();
            var youngest = Time("youngest block", allocator, ref cache, live + count - Turn, Turn);
            VisitAll(allocator, ref cache, live, count);
            return [youngest, Time("random blocks", allocator, ref cache, live, count)];
        }
        finally
        {
            NativeMemory.Free(live);
            cache.Dispose();
        }
    }

    // The words of a block that are written at the first slot that comes home are no part of a refill.
    private static void VisitAll(BitTreeAllocator allocator, ref ThreadCache cache, void** live, long count)
    {
        for (long i = 0; i < count; i += PerBlock)
        {
            allocator.Free(ref cache, live[i], Slot);
            cache.Park();
            live[i] = allocator.Alloc(ref cache, Slot);
        }
    }

    // One turn: four slots go home, four come from there. Parking is what makes each a flush and a refill.
    private static CurveSample Time(string arm, BitTreeAllocator allocator, ref ThreadCache cache, void** live, long count)
    {
        var random = 88172645463325252ul;
        var places = stackalloc long[Turn];
        long ticks = 0;
        var (calls, faults) = (allocator.GetStatistics().OsCalls, ThreadFaults.Read());
        for (var turn = -Turns / 10; turn < Turns; turn++)
        {
            for (var i = 0; i < Turn; i++)
            {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                places[i] = (long)(random % (ulong)(count / Turn) * Turn) + i;
            }

            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Turn; i++)
                allocator.Free(ref cache, live[places[i]], Slot);
            cache.Park();
            for (var i = 0; i < Turn; i++)
                live[places[i]] = allocator.Alloc(ref cache, Slot);
            if (turn >= 0)
                ticks += Stopwatch.GetTimestamp() - start;
        }

        faults = ThreadFaults.Read() - faults;
        var after = allocator.GetStatistics();
        return new CurveSample(arm, ticks * ClockCost.NanosecondsPerTick / Turns, Turns, after.MetadataBytes) { Faults = faults, OsCalls = after.OsCalls - calls };
    }
}
