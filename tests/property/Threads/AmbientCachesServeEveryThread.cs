using BitTreeAlloc.Tests.Property.Harness;

namespace BitTreeAlloc.Tests.Property.Threads;

/// <summary>The calls without a cache work on any thread: pool, continuations, short-lived ones, the finalizer's.</summary>
public sealed class AmbientCachesServeEveryThread
{
    [Fact]
    public async Task Pool_threads_and_continuations_allocate_and_free()
    {
        using var allocator = new BitTreeAllocator();
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async seed =>
        {
            for (var i = 0; i < 40; i++)
            {
                var size = (nuint)((seed * 37) + i);
                var p = Fill(allocator, size, (ulong)seed);
                await Task.Yield();
                Assert.Equal(-1, Content.FirstDifference(p, size, (ulong)seed, size));
                Release(allocator, p, size);
            }
        }));
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
    }

    [Fact]
    public unsafe void A_finalizer_frees_what_another_thread_allocated()
    {
        using var allocator = new BitTreeAllocator();
        Abandon(allocator, 1000);
        for (var i = 0; i < 10 && allocator.GetStatistics().LiveBytes != 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        allocator.Trim();
        var p = allocator.Alloc(64);
        allocator.Free(p);
    }

    [Fact]
    public unsafe void Ten_thousand_short_threads_leave_no_more_than_a_few_caches()
    {
        using var allocator = new BitTreeAllocator();
        nuint before = 0;
        for (var i = 0; i < 10_000; i++)
        {
            var thread = new Thread(() => allocator.Free(allocator.Alloc(100)), 256 * 1024);
            thread.Start();
            thread.Join();
            if (i % 1000 == 999)
            {
                // Caches of dead threads are found by later threads or, at the latest, by a collection.
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            if (i == 1500)
                before = allocator.GetStatistics().CommittedBytes;
        }

        var statistics = allocator.GetStatistics();
        Assert.Equal((nuint)0, statistics.LiveBytes);

        // At most the caches of the thousand threads between two collections are added.
        Assert.True(statistics.CommittedBytes <= before + (32 << 20), $"{before} bytes were committed after 1500 threads, {statistics.CommittedBytes} after 10 000");
        Assert.True(statistics.CacheCount < 200, $"{statistics.CacheCount} caches are registered, one thread lives");
    }

    private static unsafe nuint Fill(BitTreeAllocator allocator, nuint size, ulong seed)
    {
        var p = (nuint)allocator.Alloc(size);
        Content.Fill(p, size, seed);
        return p;
    }

    private static unsafe void Release(BitTreeAllocator allocator, nuint p, nuint size) => allocator.Free((void*)p, size);

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static unsafe void Abandon(BitTreeAllocator allocator, int count)
    {
        for (var i = 0; i < count; i++)
            _ = new Owner(allocator, (nuint)(i * 7 % 5000));
    }

    private sealed unsafe class Owner(BitTreeAllocator allocator, nuint size)
    {
        private readonly nuint _p = (nuint)allocator.Alloc(size);

        ~Owner() => allocator.Free((void*)_p);
    }
}
