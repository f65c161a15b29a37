using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Trim and Park: who flushes when, and what the figures say.</summary>
public sealed unsafe class TrimTests
{
    public static TheoryData<CasWidth> Forms => CasForms.All;

    [Theory]
    [MemberData(nameof(Forms))]
    public void The_result_counts_the_slots_of_cache_and_recycler_and_every_touched_byte(CasWidth width)
    {
        using var live = new LiveSet(new() { CasWidth = width });
        live.AllocMany(2000, 100);
        live.AllocMany(50, 5000);
        live.FreeAll();
        var before = live.Figures;
        var cached = before.Classes.Sum(c => c.CachedSlots);
        Assert.True(cached > 250, "no recycler was used");
        var result = live.Allocator.Trim(ref live.Cache);
        Assert.Equal(cached, result.FlushedSlots);
        Assert.Equal(before.TouchedBytes, result.PurgedBytes);
        Assert.Equal((nuint)0, live.Figures.TouchedBytes);
        Assert.Equal(new TrimResult(0, 0), live.Allocator.Trim(ref live.Cache));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Another_thread_s_cache_flushes_at_its_next_free(CasWidth width)
    {
        using var live = new LiveSet(new() { CasWidth = width });
        using var other = new OtherCache(live.Allocator);
        var kept = other.Alloc(100);
        other.FillCache(100, 20);
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal(20, other.Cached(100)); // not free yet: nobody but the owner touches them
        other.Free(kept, 100);
        Assert.Equal(1, other.Cached(100)); // flushed, then the slot that was freed
        live.Allocator.Trim(ref live.Cache);
        live.Allocator.Trim(ref live.Cache);
        other.Free(other.Alloc(100), 100);
        Assert.Equal(1, other.Cached(100));
    }

    [Fact]
    public void Another_thread_s_cache_flushes_at_its_next_slow_allocation_of_any_class()
    {
        using var live = new LiveSet(new());
        using var other = new OtherCache(live.Allocator);
        other.FillCache(100, 20);
        live.Allocator.Trim(ref live.Cache);
        var slow = other.Alloc(3000);
        Assert.Equal(0, other.Cached(100));
        other.Free(slow, 3000);
    }

    [Fact]
    public void A_free_re_arms_so_that_the_next_ones_are_cached_again()
    {
        using var live = new LiveSet(new());
        using var other = new OtherCache(live.Allocator);
        var slots = Enumerable.Range(0, 40).Select(_ => other.Alloc(100)).ToArray();
        other.FillCache(100, 20);
        live.Allocator.Trim(ref live.Cache);
        other.Free(slots[0], 100); // flushes and arms
        var flushes = live.Figures.Flushes;
        foreach (var slot in slots.Skip(1))
            other.Free(slot, 100);
        Assert.Equal(flushes, live.Figures.Flushes);
        Assert.Equal(40, other.Cached(100));
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Park_empties_the_cache_and_leaves_it_usable(CasWidth width)
    {
        using var live = new LiveSet(new() { CasWidth = width });
        live.AllocMany(300, 100);
        live.FreeWhere(i => i % 2 == 0);
        Assert.NotEqual((nuint)0, live.Figures.CachedBytes);
        live.Cache.Park();
        Assert.Equal((nuint)0, live.Figures.CachedBytes);
        live.Cache.Park();
        live.AllocMany(300, 100);
        live.CheckAll();
        live.FreeAll();
    }

    [Fact]
    public void Threads_that_trim_and_work_at_once_lose_nothing()
    {
        using var live = new LiveSet(new());
        var allocator = live.Allocator;
        Threads.Run(3, number =>
        {
            if (number == 0)
            {
                for (var i = 0; i < 60; i++)
                    allocator.Trim();
                return;
            }

            var cache = allocator.CreateCache();
            var slots = new nint[500];
            for (var round = 0; round < 60; round++)
            {
                for (var i = 0; i < slots.Length; i++)
                {
                    slots[i] = (nint)allocator.Alloc(ref cache, 200);
                    *(nint*)slots[i] = slots[i] + number;
                }

                foreach (var slot in slots)
                {
                    Assert.Equal(slot + number, *(nint*)slot);
                    allocator.Free(ref cache, (void*)slot, 200);
                }
            }

            cache.Dispose();
        });
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        allocator.Trim();
        Assert.Equal((nuint)0, live.Figures.TouchedBytes);
    }

    /// <summary>A second cache of the same allocator, as another thread would have.</summary>
    private sealed class OtherCache(BitTreeAllocator allocator) : IDisposable
    {
        private ThreadCache _cache = allocator.CreateCache();

        public nint Alloc(nuint size) => (nint)allocator.Alloc(ref _cache, size);

        public void Free(nint slot, nuint size) => allocator.Free(ref _cache, (void*)slot, size);

        /// <summary>Leaves exactly that many slots in the cache where it was empty and they fit.</summary>
        public void FillCache(nuint size, int count)
        {
            var slots = Enumerable.Range(0, count).Select(_ => Alloc(size)).ToArray();
            _cache.Park();
            foreach (var slot in slots)
                Free(slot, size);
        }

        public long Cached(nuint size) => allocator.GetStatistics().Classes[BitTreeAlloc.Bits.SizeClasses.ClassOf(size) - 1].CachedSlots;

        public void Dispose() => _cache.Dispose();
    }
}
