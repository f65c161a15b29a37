using BitTreeAlloc.Tests.Property.Harness;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Property.Threads;

/// <summary>Many threads, shuffled ownership, every byte checked. BITTREE_STRESS_SECONDS says how long, BITTREE_SEED which run.</summary>
public sealed class ContentsSurviveStress(ITestOutputHelper output)
{
    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Sixteen)]
    public void Blocks_pass_between_threads_while_others_trim(CasWidth casWidth) => Run(casWidth, threads: 4, lifetime: int.MaxValue);

    [Theory]
    [InlineData(CasWidth.Eight)]
    [InlineData(CasWidth.Sixteen)]
    public void Blocks_outlive_the_threads_that_made_them(CasWidth casWidth) => Run(casWidth, threads: 6, lifetime: 3000);

    // A thread lives for a number of exchanges; then it ends, some without giving their cache back, and another takes its place.
    private void Run(CasWidth casWidth, int threads, int lifetime)
    {
        if (!CasForms.Has(casWidth, output))
            return;
        var seed = Knobs.StressSeed();
        output.WriteLine($"BITTREE_SEED={seed}");
        using var allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { CasWidth = casWidth, Profile = lifetime == int.MaxValue ? Profile.Balanced : Profile.Frugal });
        var parcels = new Parcels(allocator, boxes: 2000);
        var until = Environment.TickCount64 + (1000L * Knobs.StressSeconds / 2);
        var workers = Enumerable.Range(0, threads).Select(lane => new Thread(() => Lane(allocator, parcels, seed + (lane * 1_000_003), lifetime, until))).ToList();
        workers.Add(new Thread(() => Trimming(allocator, parcels, until)));
        workers.ForEach(worker => worker.Start());
        workers.ForEach(worker => worker.Join());
        Assert.Null(parcels.Failure);

        var cache = allocator.CreateCache();
        parcels.Drain(ref cache);
        cache.Dispose();
        Assert.Null(parcels.Failure);
        var statistics = allocator.GetStatistics();
        output.WriteLine($"{parcels.Exchanged} exchanges, {statistics.CacheCount} caches, {statistics.CommittedBytes} bytes committed, {statistics.SharedOperations} shared operations");
        Assert.Equal((nuint)0, statistics.LiveBytes);
        Assert.All(statistics.Classes, one => Assert.Equal(0, one.LiveSlots));
    }

    private static void Lane(BitTreeAllocator allocator, Parcels parcels, int seed, int lifetime, long until)
    {
        for (var life = 0; Environment.TickCount64 < until && parcels.Failure is null; life++)
        {
            var random = new Random(seed + life);
            if (lifetime == int.MaxValue)
            {
                Live(allocator, parcels, random, 3000, dispose: true);
                continue;
            }

            var thread = new Thread(() => Live(allocator, parcels, random, lifetime, dispose: random.Next(2) == 0));
            thread.Start();
            thread.Join();
        }
    }

    private static void Live(BitTreeAllocator allocator, Parcels parcels, Random random, int steps, bool dispose)
    {
        var cache = random.Next(2) == 0 ? allocator.CreateCache() : default;
        parcels.Work(ref cache, random, steps);
        if (dispose)
            cache.Dispose();
    }

    private static void Trimming(BitTreeAllocator allocator, Parcels parcels, long until)
    {
        while (Environment.TickCount64 < until && parcels.Failure is null)
        {
            allocator.Trim();
            _ = allocator.GetStatistics();
            Thread.Sleep(3);
        }
    }
}
