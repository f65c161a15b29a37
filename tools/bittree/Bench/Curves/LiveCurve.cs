using System.Diagnostics;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>
/// A free and an allocation of 1 KiB, at random within a live set that becomes larger; in bursts of 256 frees, then as many allocations, which no cache holds: slots go home to blocks and come from there. The payload is untouched, so that a live set may exceed the memory; the table of pointers grows with it, and
/// its cache misses are in the figure.
/// </summary>
internal sealed unsafe class LiveCurve : Curve
{
    private const long Object = 1 << 10;
    private const int Operations = 1 << 20;
    private const int Burst = 256;
    private const int OwnBytesPerObject = 16;

    /// <inheritdoc/>
    public override string Name => "curve-live";

    /// <inheritdoc/>
    public override string Unit => "live bytes";

    /// <inheritdoc/>
    public override string Summary => "Free and allocate 1 KiB in bursts of 256, at random within a live set of 1 KiB to 16 GiB, payload untouched.";

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
            var (calls, faults) = (allocator.GetStatistics().OsCalls, ThreadFaults.Read());
            var start = Stopwatch.GetTimestamp();
            Churn(allocator, ref cache, live, count, Operations);
            var ticks = Stopwatch.GetTimestamp() - start;
            faults = ThreadFaults.Read() - faults;
            var after = allocator.GetStatistics();
            return [new CurveSample(null, ticks * ClockCost.NanosecondsPerTick / Operations, Operations, after.MetadataBytes) { Faults = faults, OsCalls = after.OsCalls - calls }];
        }
        finally
        {
            NativeMemory.Free(live);
            cache.Dispose();
        }
    }

    // Places that a burst names twice are freed once, so a burst may be a little shorter; it is the same for each live set of its size.
    private static void Churn(BitTreeAllocator allocator, ref ThreadCache cache, void** live, long count, int operations)
    {
        var random = 88172645463325252ul;
        var places = stackalloc void**[Burst];
        var length = (int)Math.Min(Burst, count);
        while (operations > 0)
        {
            var freed = 0;
            for (var i = 0; i < length; i++)
            {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                var place = live + (long)((UInt128)random * (ulong)count >> 64);
                if (*place == null)
                    continue;
                allocator.Free(ref cache, *place, (nuint)Object);
                *place = null;
                places[freed++] = place;
            }

            for (var i = 0; i < freed; i++)
                *places[i] = allocator.Alloc(ref cache, (nuint)Object);
            operations -= freed;
        }
    }
}
