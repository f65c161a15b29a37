using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>
/// A free and an allocation of 1 KiB, at random within a live set that becomes larger. The payload is untouched, so that a live set may exceed the memory; the table of pointers grows with it, and
/// its cache misses are in the figure.
/// </summary>
internal sealed unsafe class LiveCurve : Curve
{
    private const long Object = 1 << 10;
    private const int Operations = 1_000_000;
    private const int OwnBytesPerObject = 16;

    /// <inheritdoc/>
    public override string Name => "curve-live";

    /// <inheritdoc/>
    public override string Unit => "live bytes";

    /// <inheritdoc/>
    public override string Summary => "Free and allocate 1 KiB at random within a live set of 1 KiB to 16 GiB, payload untouched.";

    /// <inheritdoc/>
    public override IReadOnlyList<long> Points { get; } = [.. Enumerable.Range(0, 13).Select(power => Object << (2 * power))];

    /// <inheritdoc/>
    public override string? WhyNot(long x) => TooMuch(x / Object * OwnBytesPerObject);

    /// <inheritdoc/>
    public override string Label(long x) => x >= 1L << 30 ? $"{x >> 30} GiB" : x >= 1 << 20 ? $"{x >> 20} MiB" : $"{x >> 10} KiB";

    /// <inheritdoc/>
    public override IEnumerable<CurveSample> Measure(long x, BitTreeAllocatorOptions options)
    {
        using var allocator = new BitTreeAllocator(options);
        var cache = allocator.CreateCache();
        var count = x / Object;
        var live = (void**)NativeMemory.Alloc((nuint)count, (nuint)sizeof(void*));
        try
        {
            for (long i = 0; i < count; i++)
                live[i] = allocator.Alloc(ref cache, (nuint)Object);
            Churn(allocator, ref cache, live, count, Operations / 4);
            var start = Stopwatch.GetTimestamp();
            Churn(allocator, ref cache, live, count, Operations);
            var ticks = Stopwatch.GetTimestamp() - start;
            return [new CurveSample(null, ticks * ClockCost.NanosecondsPerTick / Operations, Operations, allocator.GetStatistics().MetadataBytes)];
        }
        finally
        {
            NativeMemory.Free(live);
            cache.Dispose();
        }
    }

    private static void Churn(BitTreeAllocator allocator, ref ThreadCache cache, void** live, long count, int operations)
    {
        var random = 88172645463325252ul;
        for (; operations > 0; operations--)
        {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            var place = live + (long)((UInt128)random * (ulong)count >> 64);
            allocator.Free(ref cache, *place, (nuint)Object);
            *place = allocator.Alloc(ref cache, (nuint)Object);
        }
    }
}
