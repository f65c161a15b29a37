using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Caches;

/// <summary>The bound on what one cache holds of one class, changed while the cache is in use.</summary>
public sealed unsafe class ClassBoundTests
{
    private static readonly int[] s_sizes = [8, 32, 40, 100, 256, 1024, 4000, 9000, 40_000, 65_536];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_random_program_never_sees_a_cache_above_the_bound_from_its_first_free_after_a_change_on(bool fromAnotherThread)
    {
        Seeded.Run(15, random =>
        {
            using var allocator = new BitTreeAllocator();
            using var other = new Sleeper();
            var cache = allocator.CreateCache();
            var live = new List<(nint Slot, int Size)>();
            var (bound, cameIn, refills) = (0ul, true, 0L);
            for (var step = 0; step < 4000; step++)
            {
                if (random.Next(150) == 0)
                {
                    ulong[] bounds = [0, 1, 8, 100, 1000, 5000, 20_000, 100_000, 300_000, ulong.MaxValue, (ulong)random.Next(1, 70_000)];
                    bound = bounds[random.Next(bounds.Length)];
                    if (fromAnotherThread)
                        other.Do(() => allocator.MaxCachedBytesPerClass = bound);
                    else
                        allocator.MaxCachedBytesPerClass = bound;
                    Assert.Equal(bound, allocator.MaxCachedBytesPerClass);
                    (cameIn, refills) = (false, allocator.GetStatistics().Refills);
                }

                var size = s_sizes[random.Next(s_sizes.Length)];
                if (random.Next(3) > 0 && live.Count < 3000)
                {
                    for (var i = random.Next(1, 40); i > 0; i--)
                        live.Add((Alloc(allocator, ref cache, size), size));
                    cameIn |= allocator.GetStatistics().Refills > refills;
                }
                else
                {
                    for (var i = random.Next(1, 60); i > 0 && live.Count > 0; i--)
                    {
                        Free(allocator, ref cache, live, random.Next(live.Count));
                        cameIn = true;
                        Check(cache.Record, bound);
                    }
                }

                if (cameIn)
                    Check(cache.Record, bound);
            }

            while (live.Count > 0)
                Free(allocator, ref cache, live, live.Count - 1);
            cache.Dispose();
            Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        });
    }

    [Fact]
    public void A_class_above_the_bound_is_not_cached_and_works()
    {
        using var allocator = new BitTreeAllocator { MaxCachedBytesPerClass = 1000 };
        var cache = allocator.CreateCache();
        var live = new List<(nint Slot, int Size)>();
        foreach (var size in new[] { 1024, 4000, 65_536, 1000, 64 })
        {
            for (var i = 0; i < 50; i++)
                live.Add((Alloc(allocator, ref cache, size), size));
            while (live.Count > 10)
                Free(allocator, ref cache, live, 0);
            var slotSize = (int)BitTreeAllocator.GoodSize((nuint)size);
            var cached = CacheProbe.Class(allocator, size).CachedSlots;
            Assert.InRange(cached, slotSize > 1000 ? 0 : 1000 / slotSize / 2, slotSize > 1000 ? 0 : 1000 / slotSize);
        }

        while (live.Count > 0)
            Free(allocator, ref cache, live, 0);
        cache.Dispose();
    }

    [Fact]
    public void Zero_restores_two_magazines()
    {
        using var allocator = new BitTreeAllocator(new() { Policy = CacheProbe.SixteenKiB });
        Assert.Equal(0ul, allocator.MaxCachedBytesPerClass);
        using var owner = new Sleeper();
        owner.Do(() => Assert.True(CacheProbe.FillTwo(allocator, 256)));
        allocator.MaxCachedBytesPerClass = 2560;
        owner.Do(() => Assert.False(CacheProbe.FillTwo(allocator, 256)));
        Assert.InRange(CacheProbe.Class(allocator, 256).CachedSlots, 1, 10);
        allocator.MaxCachedBytesPerClass = 0;
        Assert.Equal(0, CacheProbe.Class(allocator, 256).CachedSlots);
        owner.Do(() => Assert.True(CacheProbe.FillTwo(allocator, 256)));
    }

    [Fact]
    public void Changes_while_other_threads_work_bound_every_cache_at_its_next_free()
    {
        using var allocator = new BitTreeAllocator();
        using var stop = new ManualResetEventSlim();
        var working = 3;
        Threads.Run(4, number =>
        {
            if (number == 3)
            {
                for (var i = 0; Volatile.Read(ref working) > 0; i++)
                    allocator.MaxCachedBytesPerClass = (ulong)(i % 5 * 700);
                return;
            }

            try
            {
                for (var round = 0; round < 150; round++)
                    CacheProbe.Use(allocator, s_sizes[(round + number) % 8], 200);
            }
            finally
            {
                Interlocked.Decrement(ref working);
            }
        });
        allocator.MaxCachedBytesPerClass = 640;
        var cache = allocator.CreateCache();
        var live = new List<(nint Slot, int Size)>();
        for (var i = 0; i < 300; i++)
            live.Add((Alloc(allocator, ref cache, 64), 64));
        while (live.Count > 0)
            Free(allocator, ref cache, live, 0);
        Assert.Equal(640, CacheProbe.Held(cache.Record, SizeClasses.ClassOf(64)));
        cache.Dispose();
    }

    private static nint Alloc(BitTreeAllocator allocator, ref ThreadCache cache, int size)
    {
        var slot = (nint)allocator.Alloc(ref cache, (nuint)size);
        *(nint*)slot = slot;
        *(int*)(slot + size - 4) = size;
        return slot;
    }

    private static void Free(BitTreeAllocator allocator, ref ThreadCache cache, List<(nint Slot, int Size)> live, int index)
    {
        var (slot, size) = live[index];
        live[index] = live[^1];
        live.RemoveAt(live.Count - 1);
        Assert.Equal(size, *(int*)(slot + size - 4));
        Assert.True(size == 8 || *(nint*)slot == slot, "damaged");
        if (size % 3 == 0)
            allocator.Free(ref cache, (void*)slot);
        else
            allocator.Free(ref cache, (void*)slot, (nuint)size);
    }

    private static void Check(CacheRecord* record, ulong bound)
    {
        foreach (var size in s_sizes)
        {
            var sizeClass = SizeClasses.ClassOf((nuint)size);
            var info = record->Heap->Classes[sizeClass];
            var slotSize = info.SlotSize;
            var limit = Math.Min(bound == 0 ? ulong.MaxValue : bound, 2ul * (ulong)(info.MagazineSlots * slotSize));
            var held = CacheProbe.Held(record, sizeClass);
            if ((ulong)held > limit)
                Assert.Fail($"the cache holds {held} bytes of the class of {slotSize} bytes; the bound is {bound}");
        }
    }
}
