using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Known holes of the ancestors in what the process holds: memory and addresses that never come back.</summary>
public sealed unsafe class KnownHolesMemory
{
    private const int MiB = 1 << 20;

    [FactOnLinux]
    public void Hole_17_a_request_of_70_KB_costs_its_slot_of_80_KiB_and_no_region()
    {
        using var live = new LiveSet(new());
        var before = live.Figures;
        var slot = live.Alloc(70_000);
        var after = live.Figures;
        Assert.Equal((nuint)(80 << 10), live.Allocator.UsableSize(slot));
        Assert.Equal((0, 0, (nuint)(80 << 10)), (after.RegionCount, after.DirectCount, after.LiveBytes));

        // Charged: the block that it begins, which serves twelve. Resident: what is touched.
        Assert.Equal((nuint)MiB, after.ChargedBytes - after.MetadataBytes - (before.ChargedBytes - before.MetadataBytes));
        Assert.True(Placement<HardwareAtomics>.TryLocate(live.Heap, (ulong)slot, out var block));
        var start = (byte*)Blocks<HardwareAtomics, BitTreeAlloc.Bits.ShippedGeometry>.FirstSlot(block.Space, block.Index);
        Assert.InRange(Pages.ResidentBytes(start, MiB), 68u << 10, 80u << 10);
        new Span<byte>(slot, 80 << 10).Fill(1);
        Assert.Equal((nuint)(80 << 10), Pages.ResidentBytes(start, MiB));
        for (var i = 1; i < 12; i++)
            live.Allocator.Alloc(ref live.Cache, 70_000);
        Assert.Equal(after.ChargedBytes - after.MetadataBytes, live.Figures.ChargedBytes - live.Figures.MetadataBytes);

        // The measure can fail: what a region serves is charged by megabytes.
        live.Allocator.Alloc(ref live.Cache, (2 * MiB) + 1);
        Assert.Equal((nuint)(4 * MiB), live.Figures.ChargedBytes - live.Figures.MetadataBytes - (after.ChargedBytes - after.MetadataBytes));
    }

    [Fact]
    public void Hole_3_older_stretches_serve_again_after_growth()
    {
        using var live = new LiveSet(new() { ReserveBytes = 16 * MiB, Level = Level.Fast });
        live.AllocMany(256, 60_000);
        live.AllocMany(256, 60_000);
        var first = Placement<HardwareAtomics>.StretchAt(live.Heap, 0);
        Assert.True(Placement<HardwareAtomics>.StretchAt(live.Heap, 1) != null);
        live.FreeWhere(i => i is >= 100 and < 200);
        live.Cache.Park();
        var committed = live.Figures.CommittedBytes;
        live.AllocMany(90, 60_000);
        live.AllocMany(4000, 32);
        Assert.Equal(committed, live.Figures.CommittedBytes - SmallDataOf(live.Heap));
        Assert.Equal(90, live.Live.Skip(412).Take(90).Count(one => (ulong)one.Address - (ulong)first->Base < first->Length));
        live.CheckAll();
    }

    [Fact]
    public void Hole_4_no_address_is_lost_by_a_refused_commit()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, reserve: 16 * MiB);
        live.AllocMany(256, 60_000); // the first stretch's large blocks are all out
        var reserved = os.ReservedBytes;
        os.FailEvery(VmVerb.Commit, 1);
        for (var i = 0; i < 100; i++)
        {
            Assert.False(live.TryAlloc(60_000, out var error));
            Assert.Equal(AllocError.CommitRefused, error);
            Assert.False(live.TryAlloc(200_000, out error));
            Assert.Equal(AllocError.CommitRefused, error);
        }

        Assert.Equal(reserved, os.ReservedBytes);
        Assert.Throws<AllocatorOutOfMemoryException>(() => LiveSet.Over(os));
        Assert.Equal(reserved, os.ReservedBytes);
        os.ClearFaults();
        live.AllocMany(10, 60_000);
        live.CheckAll();
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Hole_4_whichever_commit_is_refused_every_reserved_address_is_known_and_goes_back()
    {
        var refused = 0;
        for (var k = 1; k <= 60; k++)
        {
            using var os = new SimulatedVirtualMemory();
            os.FailAt(VmVerb.Commit, k);
            try
            {
                using var live = LiveSet.Over(os, reserve: 16 * MiB);
                for (var size = 16; size <= 300_000; size *= 2)
                {
                    for (var i = 0; i < 8; i++)
                        live.TryAlloc(size, out _);
                }

                for (var i = 0; i < 300; i++)
                    live.Allocator.TryAlloc(ref live.Cache, 65_536, out _, out _); // untouched, more than the first stretch has
                live.CheckAll();
                Assert.Equal(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);
            }
            catch (AllocatorOutOfMemoryException e)
            {
                Assert.Equal(AllocError.CommitRefused, e.Error);
            }

            refused += (int)os.FaultsInjected;
            Assert.Equal(0ul, os.ReservedBytes);
            Assert.Empty(os.Violations);
        }

        Assert.InRange(refused, 30, 60);
    }

    [FactOnLinux]
    public void Hole_9_isolated_purged_blocks_add_no_mapping()
    {
        using var live = new LiveSet(new());
        live.AllocMany(3000, 60_000);
        var before = MappingsOf(live.Heap);
        live.FreeWhere(i => i % 2 == 0);
        Assert.True(live.Allocator.Trim(ref live.Cache).PurgedBytes > 1000 * 60_000);
        Assert.Equal(before, MappingsOf(live.Heap));
        live.CheckAll();
    }

    [FactOnLinux]
    public void Hole_12_resident_memory_falls_after_a_trim()
    {
        using var live = new LiveSet(new());
        live.AllocMany(20_000, 1000);
        live.AllocMany(20_000, 24);
        live.AllocMany(300, 30_000);
        Assert.True(ResidentData(live.Heap) > 28 * MiB);
        live.FreeAll();
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal(0, ResidentData(live.Heap));
    }

    [Fact]
    public void Hole_13_cycles_of_growth_and_trim_do_not_let_the_metadata_grow()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        var after = new List<(nuint, nuint)>();
        for (var cycle = 0; cycle < 60; cycle++)
        {
            live.AllocMany(1500, 700);
            live.AllocMany(20, 70_000);
            live.FreeAll();
            live.Allocator.Trim(ref live.Cache);

            // Where the system puts a mapping decides about leaves of the direct table: one per 4 GiB of addresses ever used.
            var leaves = (nuint)(live.Heap->DirectLeavesLine.Value * DirectTable.LeafBytes);
            after.Add((live.Figures.MetadataBytes - leaves, live.Figures.CommittedBytes - leaves));
        }

        // The first cycles make magazines.
        Assert.Equal(after[5], after[^1]);
        Assert.Equal((nuint)0, live.Figures.TouchedBytes);
    }

    /// <summary>Committed bytes of the small blocks and their metadata in the first stretch beyond what one small allocation brings: the second kind of block was not in use before.</summary>
    private static nuint SmallDataOf(Heap* heap)
    {
        var space = &Placement<HardwareAtomics>.StretchAt(heap, 0)->Small;
        return (nuint)(space->Data.Committed + space->LeafMark.Committed + space->WordMark.Committed + space->ResidentMark.Committed + space->BitmapMark.Committed);
    }

    private static int MappingsOf(Heap* heap)
    {
        var stretch = Placement<HardwareAtomics>.StretchAt(heap, 0);
        var (start, end) = ((ulong)stretch->Base, (ulong)stretch->Base + stretch->Length);
        return File.ReadLines("/proc/self/maps").Count(line =>
        {
            var from = ulong.Parse(line.AsSpan(0, line.IndexOf('-')), System.Globalization.NumberStyles.HexNumber, null);
            return from >= start && from < end;
        });
    }

    private static long ResidentData(Heap* heap)
    {
        var stretch = Placement<HardwareAtomics>.StretchAt(heap, 0);
        return (long)(Pages.ResidentBytes(stretch->Large.Data.Base, (nuint)stretch->Large.Data.Committed)
            + Pages.ResidentBytes(stretch->Small.Data.Base, (nuint)stretch->Small.Data.Committed));
    }
}
