using System.Globalization;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>Threads that allocate, free and die, in a process of their own where no collection runs.</summary>
public static unsafe class ThreadDeathScenarios
{
    private const int AtOnce = 16;

    private static BitTreeAllocator? s_allocator;
    private static nint s_slot;

    [ThreadStatic]
    private static Leftover? t_leftover;

    /// <summary>10 000 threads, up to 16 at once, and no collection. Answers "most caches after a batch, most records, earlier-committed committed live collections".</summary>
    public static string ShortThreads()
    {
        using var allocator = new BitTreeAllocator();
        var cache = allocator.CreateCache();
        var heap = cache.Record->Heap;
        var handed = new nint[64];
        var collections = GC.CollectionCount(0);
        var random = new Random(1);
        nuint early = 0;
        var (mostCaches, mostRecords) = (0, 0);
        for (var done = 0; done < 10_000;)
        {
            var batch = new Thread[random.Next(4) == 0 ? random.Next(1, AtOnce) : AtOnce];
            using var together = new Barrier(batch.Length);
            for (var i = 0; i < batch.Length; i++)
            {
                var seed = random.Next();
                batch[i] = new Thread(() => Live(allocator, handed, seed, together), 128 << 10);
                batch[i].Start();
            }

            foreach (var thread in batch)
                thread.Join();
            done += batch.Length;
            mostRecords = Math.Max(mostRecords, CacheProbe.Records(heap));
            if (early == 0 && done > 1000)
                early = allocator.GetStatistics().CommittedBytes;
            mostCaches = Math.Max(mostCaches, allocator.GetStatistics().CacheCount);
        }

        foreach (var slot in handed)
            allocator.Free(ref cache, (void*)slot);
        var figures = allocator.GetStatistics();
        collections = GC.CollectionCount(0) - collections;
        return string.Create(CultureInfo.InvariantCulture, $"{mostCaches} {mostRecords} {early} {figures.CommittedBytes} {figures.LiveBytes} {collections}");
    }

    /// <summary>400 threads, one after the other, each fill the caches of every class with all that they may hold and die. Answers the bytes touched after 40, at the end, and the collections.</summary>
    public static string SlotsOfTheDead()
    {
        using var allocator = new BitTreeAllocator(new() { CacheBudgetBytes = 4ul << 30 });
        nuint early = 0;
        var collections = GC.CollectionCount(0);
        for (var i = 0; i < 400; i++)
        {
            if (i == 40)
                early = allocator.GetStatistics().TouchedBytes;
            var thread = new Thread(() =>
            {
                for (var size = 16; size <= 65_536; size = (size * 5 / 4) + 8)
                    _ = CacheProbe.FillTwo(allocator, size);
            });
            thread.Start();
            thread.Join();
        }

        return string.Create(CultureInfo.InvariantCulture, $"{early} {allocator.GetStatistics().TouchedBytes} {GC.CollectionCount(0) - collections}");
    }

    /// <summary>Frees in finalizers that run when their threads are gone and while the process ends. Answers "live before, live after"; the handler at the end writes "exit" or what went wrong.</summary>
    public static string FreesAtTheEnd()
    {
        s_allocator = new BitTreeAllocator();
        for (var i = 0; i < 50; i++)
        {
            var thread = new Thread(() =>
            {
                t_leftover = new Leftover(s_allocator, 100);
                t_leftover.Touch();
            });
            thread.Start();
            thread.Join();
        }

        var before = s_allocator.GetStatistics().LiveBytes;
        for (var i = 0; i < 20 && s_allocator.GetStatistics().LiveBytes != 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        var after = s_allocator.GetStatistics().LiveBytes;
        s_slot = (nint)s_allocator.Alloc(300);
        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            s_allocator.Free((void*)s_slot);
            CacheProbe.Use(s_allocator, 200, 300);
            s_allocator.DetachThread();
            s_allocator.Trim();
            Console.WriteLine($"exit {s_allocator.GetStatistics().LiveBytes}");
        };
        return $"{before} {after}";
    }

    // Some slots of a few classes; one goes to whoever comes next, and one that somebody left is freed.
    private static void Live(BitTreeAllocator allocator, nint[] handed, int seed, Barrier together)
    {
        var random = new Random(seed);
        for (var i = 0; i < 3; i++)
            CacheProbe.Use(allocator, random.Next(1, 2000), random.Next(1, 40));
        together.SignalAndWait(); // all have their caches
        var slot = (nint)allocator.Alloc((nuint)random.Next(1, 500));
        allocator.Free((void*)Interlocked.Exchange(ref handed[random.Next(handed.Length)], slot));
    }

    private sealed class Leftover(BitTreeAllocator allocator, nuint size)
    {
        private readonly nint _slot = (nint)allocator.Alloc(size);

        ~Leftover() => allocator.Free((void*)_slot, size);

        public void Touch() => *(nint*)_slot = _slot;
    }
}
