using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>What an allocator costs beyond its slots: resident metadata, user pages, promised bytes, calls to the system.</summary>
public sealed unsafe class FootprintTests
{
    private const int MiB = 1 << 20;

    [FactOnLinux]
    public void Every_class_used_once_leaves_at_most_256_KiB_of_metadata_resident()
    {
        using var live = new LiveSet(new());
        UseEveryClass(live);
        Assert.InRange(ResidentMetadata(live.Heap), 40L << 10, 256L << 10);

        // The measure can fail: forty caches that each used every class hold a magazine per class.
        var caches = new ThreadCache[40];
        foreach (ref var cache in caches.AsSpan())
            for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
                live.Allocator.Free(ref cache, live.Allocator.Alloc(ref cache, (nuint)SizeClasses.SlotSize(sizeClass, 8)));
        Assert.True(ResidentMetadata(live.Heap) > 256 << 10);
        foreach (ref var cache in caches.AsSpan())
            cache.Dispose();
    }

    [FactOnLinux]
    public void Carving_a_fresh_block_touches_no_page_of_it()
    {
        using var live = new LiveSet(new());
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
        {
            var slot = (ulong)live.Allocator.Alloc(ref live.Cache, (nuint)SizeClasses.SlotSize(sizeClass, 8));
            Assert.True(Placement<HardwareAtomics>.TryLocate(live.Heap, slot, out var block));
            var start = (void*)Blocks<HardwareAtomics, ShippedGeometry>.FirstSlot(block.Space, block.Index);
            Assert.Equal((nuint)0, Pages.ResidentBytes(start, (nuint)1 << block.Space->BlockShift));
            live.Allocator.Free(ref live.Cache, (void*)slot);
            Assert.Equal((nuint)0, Pages.ResidentBytes(start, (nuint)1 << block.Space->BlockShift));
            *(byte*)slot = 1;
            Assert.NotEqual((nuint)0, Pages.ResidentBytes(start, (nuint)1 << block.Space->BlockShift));
        }
    }

    [FactOnLinux]
    public void A_fresh_block_costs_at_most_two_metadata_pages_and_on_average_a_tenth_of_one()
    {
        using var live = new LiveSet(new());
        UseEveryClass(live);
        var before = ResidentMetadata(live.Heap);
        var last = before;
        const int Blocks = 500;
        for (var i = 0; i < Blocks; i++)
        {
            live.Allocator.Alloc(ref live.Cache, 65_536);
            var now = ResidentMetadata(live.Heap);
            Assert.InRange(now - last, 0, 4 * 2 * 4096); // a refill is four blocks here
            last = now;
        }

        Assert.InRange(last - before, 4096, Blocks / 10 * 4096);
    }

    [Fact]
    public void A_small_program_is_promised_at_most_4_MiB_and_the_figures_agree_with_the_system()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(1000, 24);
        live.AllocMany(1000, 100);

        // Heap and root of the direct table 0.5, class map 1.25, first steps of two spaces 2 x 1 and of metadata 0.5 MiB.
        Assert.InRange(os.CommittedBytes, 1ul * MiB, 4ul * MiB + (MiB / 2));
        Assert.Equal(os.CommittedBytes, (ulong)live.Figures.CommittedBytes);
        Assert.Equal(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);
        Assert.Equal(os.TotalCalls, live.Figures.OsCalls);
    }

    [Fact]
    public void Figures_follow_the_system_through_growth_regions_direct_mappings_and_trims()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, reserve: 16 * MiB);
        live.AllocMany(40_000, 1000);
        live.AllocMany(5, 100_000);
        live.AllocMany(5, 3_000_000);
        live.Allocator.Free(ref live.Cache, live.Allocator.Alloc(ref live.Cache, (nuint)65 << 30));
        live.FreeWhere(i => i % 2 == 0);
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal(os.CommittedBytes, (ulong)live.Figures.CommittedBytes);
        Assert.Equal(os.TotalCalls, live.Figures.OsCalls);
        Assert.Equal((ulong)live.Live.Sum(one => one.Size switch { 1000 => 1024, 100_000 => 114_688, _ => 4 * MiB }), (ulong)live.Figures.LiveBytes);
        Assert.Equal(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);
    }

    [Fact]
    public void Calls_grow_with_the_logarithm_of_what_is_allocated()
    {
        using var live = new LiveSet(new() { Purging = PurgeMode.Off });
        var start = live.Figures.OsCalls;
        for (var (mebibytes, allocated) = (1, 0); mebibytes <= 1024; mebibytes *= 2)
        {
            for (; allocated < mebibytes * 16; allocated++)
                live.Allocator.Alloc(ref live.Cache, 65_536);
            Assert.InRange(live.Figures.OsCalls - start, 1, 16 + (12 * Math.Log2(mebibytes)));
        }
    }

    /// <summary>Resident bytes of the heap's header, records, magazines and the metadata of every stretch.</summary>
    private static long ResidentMetadata(Heap* heap)
    {
        var sum = Pages.ResidentBytes(heap, (nuint)heap->HeaderBytes)
            + (nuint)OwnedRecords(heap)
            + Pages.ResidentBytes(heap->Magazines.Base, (nuint)heap->Magazines.Committed);
        for (var number = 0; Placement<HardwareAtomics>.StretchAt(heap, number) != null; number++)
        {
            var stretch = Placement<HardwareAtomics>.StretchAt(heap, number);
            sum += Pages.ResidentBytes(stretch->Metadata, (nuint)stretch->HeaderBytes);
            for (var which = 0; which < Stretch.Spaces; which++)
            {
                var space = Placement<HardwareAtomics>.SpaceIn(stretch, which);
                foreach (var mark in new[] { space->LeafMark, space->WordMark, space->ResidentMark, space->BitmapMark })
                    sum += mark.Committed == 0 ? 0 : Pages.ResidentBytes(mark.Base, (nuint)mark.Committed);
            }
        }

        return (long)sum;
    }

    private static void UseEveryClass(LiveSet live)
    {
        for (var sizeClass = 1; sizeClass <= SizeClasses.Last; sizeClass++)
            live.Allocator.Free(ref live.Cache, live.Allocator.Alloc(ref live.Cache, (nuint)SizeClasses.SlotSize(sizeClass, 8)));
    }

    /// <summary>Bytes of the records of that heap's caches; they lie in the pool of the process.</summary>
    private static long OwnedRecords(Heap* heap)
    {
        var sum = 0L;
        for (var number = 0; number < CacheRegistry<HardwareAtomics, ShippedGeometry>.Count(heap->Pool); number++)
        {
            if (CacheRegistry<HardwareAtomics, ShippedGeometry>.IsOwnedBy(CacheRegistry<HardwareAtomics, ShippedGeometry>.At(heap->Pool, number), heap))
                sum += CacheRecord.Stride;
        }

        return sum;
    }
}
