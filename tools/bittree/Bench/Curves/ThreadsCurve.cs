using System.Diagnostics;
using BitTreeAlloc.Tool.Memory;

namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>Threads with a cache each, one burst after the other in turn: what more caches cost each of them, and how many bytes of the allocator's own words a thread takes.</summary>
internal sealed unsafe class ThreadsCurve : Curve
{
    private const int Burst = 64;
    private const int Bursts = 20_000;
    private const int MostLaps = 2000;
    private const int StackBytes = 256 << 10;
    private const int OwnBytesPerThread = 1 << 20;
    private const int StackPages = 4;
    private const nuint Least = 16;
    private const ulong WideBudget = 4ul << 30;

    private readonly Dictionary<(long X, Profile Profile), double?> _resident = [];

    /// <inheritdoc/>
    public override string Name => "curve-threads";

    /// <inheritdoc/>
    public override string Unit => "threads";

    /// <inheritdoc/>
    public override string Summary => "Bursts of 64 allocations and frees, 1 to 2 000 threads with a cache each in turn: time per pair, bytes of metadata per thread.";

    /// <inheritdoc/>
    public override IReadOnlyList<long> Points { get; } = [1, 4, 16, 64, 250, 1000, 2000];

    /// <inheritdoc/>
    public override int Threads(long x) => (int)x;

    /// <inheritdoc/>
    public override string? WhyNot(long x) => TooMuch(x * OwnBytesPerThread);

    /// <inheritdoc/>
    public override IEnumerable<CurveSample> Measure(long x, BitTreeAllocatorOptions options)
    {
        if (!_resident.TryGetValue((x, options.Profile), out var resident))
            _resident[(x, options.Profile)] = resident = CurveChild.Start(x, options);
        var wide = new BitTreeAllocatorOptions { Profile = options.Profile, CasWidth = options.CasWidth, Level = options.Level, UseContainerLimit = false, CacheBudgetBytes = WideBudget };
        return [MeasureOne("default budget", x, options) with { ResidentBytesPerThread = resident }, MeasureOne("budget of 4 GiB", x, wide)];
    }

    /// <summary>One run; the growth of the resident set is that of the threads' caches in a process that has had none yet.</summary>
    public static CurveSample MeasureOne(string arm, long x, BitTreeAllocatorOptions options)
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
        double? resident = null;
        long grown = 0;
        using var rss = RssReader.IsSupported ? new RssReader() : null;
        try
        {
            for (; started < count; started++)
            {
                var own = started;
                new Thread(() => Work(allocator, laps, turns[own], own + 1 < count ? turns[own + 1] : done, ref ticks[own]), StackBytes) { IsBackground = true }.Start();
            }

            // Each has its stack in the first lap, binds its cache and fills it in the second, and ends after the last.
            for (var lap = -1; lap <= laps + 1; lap++)
            {
                grown = rss?.Read() ?? 0;
                turns[0].Release();
                done.Wait();
                if (lap == 0 && rss is not null)
                    resident = (double)(rss.Read() - grown) / count;
                if (lap == laps)
                    metadata = (double)(allocator.GetStatistics().MetadataBytes - before) / count;
            }
        }
        catch (OutOfMemoryException) when (started < count)
        {
            // The threads that did start wait in the chain; the release of each goes to the next, and the last one's to nobody.
            for (var lap = -1; lap <= laps + 1 && started > 0; lap++)
                turns[0].Release();
            throw;
        }

        var operations = (long)laps * Burst * count;
        return new CurveSample(arm, ticks.Sum() * ClockCost.NanosecondsPerTick / operations, operations, metadata) { ResidentBytesPerThread = resident };
    }

    private static void Work(BitTreeAllocator allocator, int laps, SemaphoreSlim own, SemaphoreSlim next, ref long ticks)
    {
        own.Wait();
        TouchStack();
        next.Release();
        ThreadCache cache = default;
        for (var lap = 0; lap <= laps; lap++)
        {
            own.Wait();
            if (lap == 0)
                cache = allocator.CreateCache();
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

    // Pages of the stack that the burst will use are not the allocator's.
    private static void TouchStack()
    {
        var bytes = stackalloc byte[StackPages * 4096];
        for (var page = 0; page < StackPages; page++)
            bytes[page * 4096] = 1;
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
