using System.Diagnostics;

namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>Threads with a cache each, one burst after the other in turn: what more caches cost each of them, and how many bytes of the allocator's own words a thread takes.</summary>
internal sealed unsafe class ThreadsCurve : Curve
{
    private const int Burst = 64;
    private const int Bursts = 20_000;
    private const int MostLaps = 2000;
    private const int StackBytes = 256 << 10;
    private const int OwnBytesPerThread = 1 << 20;
    private const nuint Least = 16;

    /// <inheritdoc/>
    public override string Name => "curve-threads";

    /// <inheritdoc/>
    public override string Unit => "threads";

    /// <inheritdoc/>
    public override string Summary => "Bursts of 64 allocations and frees, 1 to 2 000 threads with a cache each in turn: time per pair, metadata bytes per thread.";

    /// <inheritdoc/>
    public override IReadOnlyList<long> Points { get; } = [1, 4, 16, 64, 250, 1000, 2000];

    /// <inheritdoc/>
    public override int Threads(long x) => (int)x;

    /// <inheritdoc/>
    public override string? WhyNot(long x) => TooMuch(x * OwnBytesPerThread);

    /// <inheritdoc/>
    public override IEnumerable<CurveSample> Measure(long x, BitTreeAllocatorOptions options)
    {
        using var allocator = new BitTreeAllocator(options);
        var count = (int)x;
        var laps = Math.Clamp(Bursts / count, 4, MostLaps);
        var turns = new SemaphoreSlim[count];
        for (var i = 0; i < count; i++)
            turns[i] = new SemaphoreSlim(0);
        using var done = new SemaphoreSlim(0);
        var ticks = new long[count];
        var before = allocator.GetStatistics().MetadataBytes;
        double metadata = 0;
        var started = 0;
        try
        {
            for (; started < count; started++)
            {
                var own = started;
                new Thread(() => Work(allocator, laps, turns[own], own + 1 < count ? turns[own + 1] : done, ref ticks[own]), StackBytes) { IsBackground = true }.Start();
            }

            // The first lap binds each cache and fills it; the last lets the threads end.
            for (var lap = 0; lap <= laps + 1; lap++)
            {
                turns[0].Release();
                done.Wait();
                if (lap == laps)
                    metadata = (double)(allocator.GetStatistics().MetadataBytes - before) / count;
            }
        }
        catch (OutOfMemoryException) when (started < count)
        {
            // The threads that did start wait in the chain; the release of each goes to the next, and the last one's to nobody.
            for (var lap = 0; lap <= laps + 1 && started > 0; lap++)
                turns[0].Release();
            throw;
        }

        var operations = (long)laps * Burst * count;
        return [new CurveSample(null, ticks.Sum() * ClockCost.NanosecondsPerTick / operations, operations, metadata)];
    }

    private static void Work(BitTreeAllocator allocator, int laps, SemaphoreSlim own, SemaphoreSlim next, ref long ticks)
    {
        var cache = allocator.CreateCache();
        for (var lap = 0; lap <= laps; lap++)
        {
            own.Wait();
            var start = Stopwatch.GetTimestamp();
            DoBurst(allocator, ref cache);
            if (lap != 0)
                ticks += Stopwatch.GetTimestamp() - start;
            next.Release();
        }

        own.Wait();
        cache.Dispose();
        next.Release();
    }

    private static void DoBurst(BitTreeAllocator allocator, ref ThreadCache cache)
    {
        var held = stackalloc void*[Burst];
        for (var i = 0; i < Burst; i++)
            held[i] = allocator.Alloc(ref cache, Least * (nuint)((i & 15) + 1));
        for (var i = 0; i < Burst; i++)
            allocator.Free(ref cache, held[i], Least * (nuint)((i & 15) + 1));
    }
}
