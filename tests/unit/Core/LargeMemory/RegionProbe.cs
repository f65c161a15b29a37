using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>What the words say of regions, and marks in a few of their pages: giants are never touched whole.</summary>
internal static unsafe class RegionProbe
{
    private const ulong MiB = 1 << 20;

    /// <summary>Regions of each area of a class, in the order in which the areas were made.</summary>
    public static List<ulong> Areas(Heap* heap, int regionClass)
    {
        var counts = new List<ulong>();
        for (var area = RegionAreas<HardwareAtomics, ShippedGeometry>.First(heap, regionClass); area != null; area = RegionAreas<HardwareAtomics, ShippedGeometry>.Next(area))
            counts.Add(area->Count);
        return counts;
    }

    /// <summary>The word of the region at that address.</summary>
    public static RegionWord WordOf(Heap* heap, nuint address)
    {
        Assert.True(RegionAreas<HardwareAtomics, ShippedGeometry>.TryLocate(heap, address, out var region));
        return new RegionWord(*region.Word);
    }

    /// <summary>Whether the region at that address lies free in a cache's slot.</summary>
    public static bool IsIdle(Heap* heap, nuint address)
    {
        Assert.True(RegionAreas<HardwareAtomics, ShippedGeometry>.TryLocate(heap, address, out var region));
        return new RegionWord(*region.Word).Phase == RegionPhase.InUse && *region.Idle != 0;
    }

    /// <summary>A region for that many bytes, of any class: the Api's smallest is 2 MiB and a byte.</summary>
    public static nuint Alloc(LiveSet live, ulong bytes)
    {
        var address = live.Heap->Engine.AllocLarge(live.Heap, live.Cache.Record, bytes, 1, out _, out var outcome);
        Assert.Equal(Outcome.Ok, outcome);
        return (nuint)address;
    }

    public static void Free(LiveSet live, nuint address) => Assert.Equal(Outcome.Ok, live.Heap->Engine.FreeLarge(live.Heap, live.Cache.Record, address));

    /// <summary>Offsets that are touched: both ends, and where limits lie.</summary>
    public static IEnumerable<ulong> Marks(ulong bytes) =>
        new ulong[] { 0, 8, 4096, 64 << 10, (2 * MiB) - 8, 2 * MiB, bytes / 2 & ~7ul, ((bytes - 8) & ~7ul) - 4096 & ~7ul, (bytes - 8) & ~7ul }.Where(at => at + 8 <= bytes).Distinct();

    public static void Mark(nuint address, ulong bytes, ulong seed)
    {
        foreach (var at in Marks(bytes))
            *(ulong*)(address + (nuint)at) = seed ^ at;
        if (bytes % 8 != 0)
            *(byte*)(address + (nuint)bytes - 1) = (byte)seed;
    }

    /// <summary>What was marked for <paramref name="bytes"/> is there up to <paramref name="limit"/>.</summary>
    public static void Check(nuint address, ulong bytes, ulong seed, ulong limit = ulong.MaxValue)
    {
        foreach (var at in Marks(bytes).Where(at => at + 8 <= limit))
        {
            if (*(ulong*)(address + (nuint)at) != (seed ^ at))
                Assert.Fail($"the word at offset {at} of {bytes} bytes at 0x{address:x} does not read as it was written");
        }

        if (bytes % 8 != 0 && bytes <= limit && *(byte*)(address + (nuint)bytes - 1) != (byte)seed)
            Assert.Fail($"the last of {bytes} bytes at 0x{address:x} does not read as it was written");
    }

    /// <summary>The marked places read as zero.</summary>
    public static void CheckZero(nuint address, ulong bytes)
    {
        foreach (var at in Marks(bytes))
            Assert.Equal(0ul, *(ulong*)(address + (nuint)at));
        Assert.Equal(0, *(byte*)(address + (nuint)bytes - 1));
    }
}
