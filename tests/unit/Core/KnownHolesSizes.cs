using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Known holes of the ancestors in sizes, alignments, costs and caps. (16, the division, is held by the disassembly of the hit path.) docs/known-holes.md lists them all.</summary>
public sealed unsafe class KnownHolesSizes
{
    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    public void Hole_5_aligned_memory_is_freed_the_way_it_was_allocated(int minimumAlignment)
    {
        using var live = new LiveSet(new() { MinimumAlignment = minimumAlignment });
        foreach (var form in new[] { 0, 1, 2 })
        {
            for (nuint alignment = 1; alignment <= 1 << 21; alignment *= 2)
            {
                foreach (var size in new nuint[] { 0, 1, 8, 24, 100, 1000, 4096, 8191, 8193, 12_000, 32_769, 65_535, 65_536, 65_537, 200_000, 2_097_153, 3_000_000 })
                {
                    var address = live.Allocator.AllocAligned(ref live.Cache, size, alignment);
                    Assert.Equal((nuint)0, (nuint)address % alignment);
                    Assert.True(live.Allocator.UsableSize(address) >= size);
                    new Span<byte>(address, (int)size).Fill(7);
                    if (form == 0)
                        live.Allocator.FreeAligned(ref live.Cache, address, size, alignment);
                    else if (form == 1)
                        live.Allocator.Free(ref live.Cache, address);
                    else
                        Assert.True(live.Allocator.TryFree(ref live.Cache, address, out _));
                }
            }

            live.Cache.Park();
            Assert.Equal((nuint)0, live.Figures.LiveBytes);
        }
    }

    [Fact]
    public void Hole_8_a_stretch_too_small_for_its_classes_is_refused_by_name_and_limit()
    {
        foreach (var bytes in new ulong[] { 1, 65_536, (16 << 20) - 1, ulong.MaxValue })
        {
            var error = Assert.Throws<ArgumentException>(() => new BitTreeAllocator(new() { ReserveBytes = bytes }));
            Assert.Contains("ReserveBytes", error.Message, StringComparison.Ordinal);
            Assert.Contains("16777216", error.Message, StringComparison.Ordinal);
        }

        using var live = new LiveSet(new() { ReserveBytes = 16 << 20, MinimumAlignment = 16 });
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
            Assert.True(live.Heap->Classes[sizeClass].Capacity >= 1);
    }

    [Fact]
    public void Hole_19_sizes_on_and_between_classes_get_what_they_asked_for_and_go_home_by_either_free()
    {
        using var live = new LiveSet(new());
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var slot = SizeClasses.SlotSize(sizeClass, 8);
            foreach (var size in new[] { slot - 1, slot, slot + 1 })
            {
                for (var i = 0; i < 3; i++)
                {
                    var address = live.Alloc(size);
                    Assert.True(live.Allocator.UsableSize(address) >= (nuint)size);
                    Assert.Equal(BitTreeAllocator.GoodSize((nuint)size), live.Allocator.UsableSize(address));
                }
            }
        }

        live.CheckAll();
        live.FreeWhere(i => i % 2 == 0, sized: true);
        live.FreeAll(sized: false);
        live.Cache.Park();
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
    }

    [Fact]
    public void Hole_6_a_pair_at_a_full_cache_takes_no_slow_path_to_blocks()
    {
        using var live = new LiveSet(new());
        live.AllocMany(300, 100);
        live.FreeAll();
        live.Alloc(100);
        var before = live.Figures;
        for (var i = 0; i < 10_000; i++)
            live.Allocator.Free(ref live.Cache, live.Allocator.Alloc(ref live.Cache, 100), 100);
        Assert.Equal((before.Refills, before.Flushes, before.SharedOperations), (live.Figures.Refills, live.Figures.Flushes, live.Figures.SharedOperations));
        live.FreeAll();
    }

    [Fact]
    public void Hole_15_a_burst_of_100_000_shares_a_word_less_than_once_per_four_slots()
    {
        using var live = new LiveSet(new());
        for (var round = 0; round < 3; round++)
            Assert.InRange(SharedByBurst(live), 1, 100_000 / 4);
    }

    [Fact]
    public void Hole_15_magazines_of_five_slots_would_be_seen()
    {
        using var live = new LiveSet(new BitTreeAllocator(new(), Engine.Of<HardwareAtomics, EightBlockStretches>()), owns: true);
        Assert.True(SharedByBurst(live) > 100_000 / 4);
    }

    [Fact]
    public void Hole_23_thousands_of_caches_mappings_and_blocks_meet_no_fixed_cap()
    {
        using var live = new LiveSet(new());
        var caches = new ThreadCache[4000];
        foreach (ref var cache in caches.AsSpan())
            live.Allocator.Free(ref cache, live.Allocator.Alloc(ref cache, 64), 64);
        Assert.Equal(4001, live.Figures.CacheCount);
        var records = caches.Select(cache => (nint)cache.Record).ToHashSet();
        live.AllocMany(1000, 66_000);
        for (var i = 0; i < 1000; i++)
            live.Allocator.Alloc(ref live.Cache, 3_000_000); // untouched
        for (var i = 0; i < 200; i++)
            live.Allocator.Alloc(ref live.Cache, ((nuint)64 << 30) + 1);
        Assert.Equal((1000, 200), (live.Figures.RegionCount, live.Figures.DirectCount));
        for (var i = 0; i < 40_000; i++)
            live.Allocator.Alloc(ref live.Cache, 65_536); // 2.5 GiB of addresses, untouched: three trees of a space
        Assert.Equal(40_000, live.Figures.Classes[SizeClasses.LastSmall - 1].LiveSlots);
        live.CheckAll();
        foreach (ref var cache in caches.AsSpan())
            cache.Dispose();
        Assert.Equal(1, live.Figures.CacheCount);
        var again = live.Allocator.CreateCache();
        Assert.Contains((nint)again.Record, records);
        again.Dispose();
    }

    [Fact]
    public void Hole_23_two_hundred_regions_of_a_gigabyte_seventy_of_three_and_mappings_of_65_live_at_once()
    {
        using var live = new LiveSet(new());
        var giants = Enumerable.Repeat(1L << 30, 200).Concat(Enumerable.Repeat(3L << 30, 70)).Concat(Enumerable.Repeat(65L << 30, 5)).ToArray();
        var mappings = new nint[giants.Length];
        for (var i = 0; i < mappings.Length; i++)
        {
            var first = (byte*)live.Allocator.Alloc(ref live.Cache, (nuint)giants[i]);
            (*(int*)first, *(int*)(first + giants[i] - 4)) = (i, ~i);
            mappings[i] = (nint)first;
        }

        Assert.Equal((270, 5), (live.Figures.RegionCount, live.Figures.DirectCount));
        Assert.Equal((410ul << 30, 325ul << 30), ((ulong)live.Figures.RegionBytes, (ulong)live.Figures.DirectBytes));
        for (var i = 0; i < mappings.Length; i++)
        {
            var first = (byte*)mappings[i];
            Assert.Equal((i, ~i), (*(int*)first, *(int*)(first + giants[i] - 4)));
            live.Allocator.Free(ref live.Cache, first);
        }

        Assert.Equal((0, 0, (nuint)0), (live.Figures.RegionCount, live.Figures.DirectCount, live.Figures.LiveBytes));
    }

    [Fact]
    public void Hole_23_a_hundred_stretches_serve_and_come_home()
    {
        using var os = new SimulatedVirtualMemory();
        using (var live = new LiveSet(new BitTreeAllocator(new() { VirtualMemory = os.Table, ReserveBytes = 16 << 20 }, Engine.Of<HardwareAtomics, EightBlockStretches>()), owns: true))
        {
            live.AllocMany(8 * 100, 60_000);
            live.AllocMany(3000, 100);
            Assert.True(Placement<HardwareAtomics>.StretchAt(live.Heap, 100) != null);
            live.CheckAll();
            live.FreeWhere(i => i % 2 == 0);
            live.AllocMany(400, 60_000);
            live.CheckAll();
            live.FreeAll(sized: false);
            live.Cache.Park();
            Assert.Equal((nuint)0, live.Figures.LiveBytes);
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    }

    /// <summary>Shared operations of 100 000 allocations in a row and as many frees.</summary>
    private static long SharedByBurst(LiveSet live)
    {
        var slots = new nint[100_000];
        var before = live.Figures.SharedOperations;
        for (var i = 0; i < slots.Length; i++)
            slots[i] = (nint)live.Allocator.Alloc(ref live.Cache, 64);
        foreach (var slot in slots)
            live.Allocator.Free(ref live.Cache, (void*)slot, 64);
        return live.Figures.SharedOperations - before;
    }

    /// <summary>Trees of four blocks, two to a stretch.</summary>
    private readonly struct EightBlockStretches : IGeometry
    {
        public static int WordShift => 1;

        public static int TreeShift => 2;

        public static int MagazineWords => 8;
    }
}
