using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>The byte budget over all caches: what sleeps does not keep it from what works, and every byte of it is somewhere.</summary>
public sealed unsafe class CacheBudgetTests
{
    [Fact]
    public void A_trim_takes_back_what_sleeping_threads_took_ahead_of_the_budget()
    {
        using var allocator = new BitTreeAllocator();
        using var sleepers = new Sleepers(60, _ => allocator.Free(allocator.Alloc(100)));
        Assert.NotEqual(0ul, Granted(allocator));
        allocator.Trim(TrimLevel.Caches);
        Assert.Equal(0ul, Granted(allocator));
    }

    [Fact]
    public void A_late_thread_gets_magazines_though_sleeping_ones_have_the_whole_budget()
    {
        using var allocator = new BitTreeAllocator(new() { CacheBudgetBytes = 512 << 10 });
        using var sleepers = new Sleepers(60, _ => Burst(allocator, 200, 400));
        Assert.NotEqual(0ul, Refusals(allocator)); // some of them went without already
        var refusals = new List<ulong>();
        Threads.Run(1, _ =>
        {
            for (var round = 0; round < 10; round++)
            {
                var before = Refusals(allocator);
                for (var i = 0; i < 100; i++)
                    Burst(allocator, 100, 400);
                refusals.Add(Refusals(allocator) - before);
            }
        });
        Assert.True(refusals[^1] == 0, "refusals in each tenth of 100 000 calls: " + string.Join(", ", refusals));
    }

    [Theory]
    [InlineData(64 << 10, 320 << 10)]
    [InlineData(16 << 10, 64 << 10)]
    public void A_late_thread_gets_magazines_though_recyclers_of_other_classes_have_the_whole_budget(int magazineBytes, int recyclerBytes)
    {
        var policy = MemoryPolicy.Of(Profile.Balanced) with { MagazineBytes = magazineBytes };
        using var live = new LiveSet(new() { CacheBudgetBytes = 512 << 10, Policy = policy, RecyclerBytesPerClass = (ulong)recyclerBytes });
        foreach (var size in new[] { 48, 64, 100, 200, 300, 500, 700, 1000, 1500, 2000 })
        {
            live.AllocMany(64 * 1024 * 2 / size, size);
            live.FreeAll();
            live.Cache.Dispose(); // what it cached goes home, the recycler stays full
            live.Cache = live.Allocator.CreateCache();
        }

        var allocator = live.Allocator;
        var info = live.Heap->Classes[SizeClasses.ClassOf(3000)];
        var room = Math.Max(42 << 10, (info.MagazineSlots * info.SlotSize) - 1); // far less than the late thread works with; with larger magazines, no room for one of its
        Assert.InRange(Granted(allocator), (512ul << 10) - (ulong)room, 512ul << 10);
        var start = Refusals(allocator);
        Threads.Run(1, _ =>
        {
            for (var i = 0; i < 3000; i++)
                Burst(allocator, 100, 3000);
        });
        var before = Refusals(allocator);
        Assert.NotEqual(start, before); // it went without at first
        Threads.Run(1, _ =>
        {
            for (var i = 0; i < 100; i++)
                Burst(allocator, 100, 3000);
        });
        Assert.Equal(before, Refusals(allocator));
    }

    [Fact]
    public void Granted_is_what_magazines_recyclers_and_records_have_after_any_traffic()
    {
        Seeded.Run(3, random =>
        {
            var seeds = Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray();
            using var allocator = new BitTreeAllocator(new() { CacheBudgetBytes = 300_000 });
            Threads.Run(4, number => Traffic(allocator, new Random(seeds[number])));
            Assert.Equal(Accounted(allocator), Granted(allocator));
            Assert.InRange(Granted(allocator), 0ul, 300_000ul);
            allocator.Trim(TrimLevel.Caches);
            Assert.Equal(0ul, Granted(allocator));
        });
    }

    [Fact]
    public void A_tick_makes_no_thread_pass_a_fence_for_caches_that_are_known_to_be_empty()
    {
        var claims = 0;
        using var allocator = new BitTreeAllocator(new(), Engine.Of<HookedAtomics, ShippedGeometry>());
        using var sleepers = new Sleepers(5, _ => allocator.Free(allocator.Alloc(100)));
        HookedAtomics.With(site => claims += site == Site.ClaimTake ? 1 : 0, () =>
        {
            for (var i = 0; i < 5; i++)
                allocator.Tick();
            Assert.NotEqual(0, claims);
            claims = 0;
            allocator.Tick();
            Assert.Equal(0, claims); // each would be followed by the fence
            sleepers.Again();
            allocator.Tick();
            Assert.NotEqual(0, allocator.Tick()); // used again: their slots are found again
        });
    }

    [Fact]
    public void A_bound_per_class_holds_though_a_cache_inside_a_call_gives_the_recycler_more_after_it_was_set()
    {
        using var allocator = new BitTreeAllocator(new(), Engine.Of<HookedAtomics, ShippedGeometry>());
        var giver = allocator.CreateCache();
        var taker = allocator.CreateCache();
        var slots = Enumerable.Range(0, 600).Select(_ => (nint)allocator.Alloc(ref giver, 100)).ToArray();
        var isSet = false;
        HookedAtomics.With(site =>
        {
            if (site == Site.StackPush && !isSet)
            {
                isSet = true;
                allocator.MaxCachedBytesPerClass = 1000;
            }
        }, () =>
        {
            foreach (var slot in slots)
                allocator.Free(ref giver, (void*)slot);
        });
        var sizeClass = SizeClasses.ClassOf(100);
        Assert.Equal(1ul, Magazines<HardwareAtomics, ShippedGeometry>.RecyclerDepth(taker.Record->Heap, sizeClass));
        for (var i = 0; i < 300; i++)
        {
            _ = allocator.Alloc(ref taker, 100);
            var cached = Magazine.CountTo<ShippedGeometry>(*CacheRecord.Top(taker.Record, sizeClass)) * SizeClasses.SlotSize(sizeClass, 8);
            Assert.True(cached <= 1000, $"{cached} bytes are cached of one class; the bound is 1000");
        }

        giver.Dispose();
        taker.Dispose();
    }

    private static void Burst(BitTreeAllocator allocator, int count, int size)
    {
        var slots = stackalloc void*[count];
        for (var i = 0; i < count; i++)
            slots[i] = allocator.Alloc((nuint)size);
        for (var i = 0; i < count; i++)
            allocator.Free(slots[i], (nuint)size);
    }

    private static void Traffic(BitTreeAllocator allocator, Random random)
    {
        var cache = allocator.CreateCache();
        var live = new List<nint>();
        for (var step = 0; step < 4000; step++)
        {
            var isAmbient = random.Next(2) == 0;
            if (random.Next(2000) == 0)
                allocator.Trim(TrimLevel.Caches);
            else if (random.Next(500) == 0)
                allocator.Tick();
            else if (random.Next(500) == 0)
                cache.Park();
            else if (random.Next(500) == 0)
                allocator.DetachThread();
            else if (random.Next(1000) == 0)
                allocator.MaxCachedBytesPerClass = (ulong)random.Next(3) * 20_000;
            else if (random.Next(300) < live.Count)
                Free((void*)TakeOne(live, random), isAmbient);
            else
                live.Add((nint)Alloc((nuint)(1 << random.Next(17)), isAmbient));
        }

        while (live.Count != 0)
            Free((void*)TakeOne(live, random), isAmbient: true);
        cache.Dispose();

        void* Alloc(nuint size, bool isAmbient) => isAmbient ? allocator.Alloc(size) : allocator.Alloc(ref cache, size);

        void Free(void* pointer, bool isAmbient)
        {
            if (isAmbient)
                allocator.Free(pointer);
            else
                allocator.Free(ref cache, pointer);
        }
    }

    private static nint TakeOne(List<nint> live, Random random)
    {
        var index = random.Next(live.Count);
        var taken = live[index];
        live[index] = live[^1];
        live.RemoveAt(live.Count - 1);
        return taken;
    }

    private static ulong Accounted(BitTreeAllocator allocator)
    {
        Assert.True(allocator.TryVisit(out var heap));
        var sum = 0ul;
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var info = heap->Classes[sizeClass];
            sum += Magazines<HardwareAtomics, ShippedGeometry>.RecyclerDepth(heap, sizeClass) * (ulong)info.MagazineSlots * (ulong)info.SlotSize;
            for (var record = CacheRegistry<HardwareAtomics, ShippedGeometry>.First(heap); record != null; record = CacheRegistry<HardwareAtomics, ShippedGeometry>.Next(record))
            {
                var loaded = CacheTops<HardwareAtomics, ShippedGeometry>.MagazineOf(record, *CacheRecord.Top(record, sizeClass));
                var spare = (ulong*)*CacheRecord.Spare(record, sizeClass);
                sum += loaded == null ? 0 : loaded[0] * (ulong)info.SlotSize;
                sum += spare == null ? 0 : Magazine.Of<ShippedGeometry>(spare)[0] * (ulong)info.SlotSize;
            }
        }

        for (var record = CacheRegistry<HardwareAtomics, ShippedGeometry>.First(heap); record != null; record = CacheRegistry<HardwareAtomics, ShippedGeometry>.Next(record))
            sum += record->Grant;
        allocator.EndVisit();
        return sum;
    }

    private static ulong Granted(BitTreeAllocator allocator) => Read(allocator, heap => heap->CacheGrantedLine.Value);

    private static ulong Refusals(BitTreeAllocator allocator) => Read(allocator, heap => heap->CacheRefusalsLine.Value);

    private static ulong Read(BitTreeAllocator allocator, Figure figure)
    {
        Assert.True(allocator.TryVisit(out var heap));
        var value = figure(heap);
        allocator.EndVisit();
        return value;
    }

    private delegate ulong Figure(Heap* heap);

    /// <summary>Threads that did some work and sleep until the end.</summary>
    private sealed class Sleepers : IDisposable
    {
        private readonly Barrier _barrier;
        private readonly Thread[] _threads;
        private volatile bool _ended;

        public Sleepers(int count, Action<int> work)
        {
            _barrier = new Barrier(count + 1);
            _threads = [.. Enumerable.Range(0, count).Select(number => new Thread(() =>
            {
                while (!_ended)
                {
                    work(number);
                    _barrier.SignalAndWait(); // it sleeps from here …
                    _barrier.SignalAndWait(); // … to here
                }
            }, 256 << 10)
            { IsBackground = true })];
            foreach (var thread in _threads)
                thread.Start();
            _barrier.SignalAndWait();
        }

        public void Again()
        {
            _barrier.SignalAndWait();
            _barrier.SignalAndWait();
        }

        public void Dispose()
        {
            _ended = true;
            _barrier.SignalAndWait();
            foreach (var thread in _threads)
                thread.Join();
            _barrier.Dispose();
        }
    }
}
