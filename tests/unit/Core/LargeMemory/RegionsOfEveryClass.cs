using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Tests.Unit.Limits;

namespace BitTreeAlloc.Tests.Unit.Core.LargeMemory;

/// <summary>B4, A4, D7: the sixteen classes of regions, alignments to 1 GiB, and how areas grow.</summary>
public sealed unsafe class RegionsOfEveryClass
{
    private const ulong MiB = 1 << 20;

    [Theory]
    [InlineData(Level.Fast)]
    [InlineData(Level.Checked)]
    public void Addresses_are_stable_over_recycling_and_over_a_purge_with_the_largest_never_touched(Level level)
    {
        using var live = new LiveSet(new() { Level = level, Purging = PurgeMode.Off });
        var addresses = new nuint[RegionClasses.Count];
        for (var round = 0; round < 4; round++)
        {
            for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
            {
                var bytes = 1ul << RegionClasses.ShiftOf(regionClass);
                var address = RegionProbe.Alloc(live, bytes);
                if (round > 0)
                    Assert.Equal(addresses[regionClass], address);
                addresses[regionClass] = address;
                Assert.Equal((nuint)0, address % (nuint)Math.Min(bytes, 1ul << 30));
                Assert.Equal((RegionPhase.InUse, bytes >> 21), (RegionProbe.WordOf(live.Heap, address).Phase, RegionProbe.WordOf(live.Heap, address).InUse));
                if (regionClass < RegionClasses.Count - 1)
                    RegionProbe.Mark(address, bytes, address);
            }

            Assert.Equal((RegionClasses.Count, (128ul << 30) - (2 * MiB)), (live.Figures.RegionCount, (ulong)live.Figures.RegionBytes));
            for (var regionClass = 0; regionClass < RegionClasses.Count; regionClass++)
            {
                if (regionClass < RegionClasses.Count - 1)
                    RegionProbe.Check(addresses[regionClass], 1ul << RegionClasses.ShiftOf(regionClass), addresses[regionClass]);

                // Alone in its slot, with the others in use: the next request of its class gets it, three times.
                for (var again = 0; again < 3; again++)
                {
                    RegionProbe.Free(live, addresses[regionClass]);
                    Assert.True(RegionProbe.IsIdle(live.Heap, addresses[regionClass]));
                    Assert.Equal(addresses[regionClass], RegionProbe.Alloc(live, 1ul << RegionClasses.ShiftOf(regionClass)));
                }
            }

            foreach (var address in addresses)
                RegionProbe.Free(live, address);
            ChargeWalk.Check(live.Heap);

            // The purge: all are clean, and found again lowest first.
            live.Allocator.Trim();
            foreach (var address in addresses)
                Assert.Equal((RegionPhase.Clean, 0ul), (RegionProbe.WordOf(live.Heap, address).Phase, RegionProbe.WordOf(live.Heap, address).Touched));
            Assert.Equal((nuint)0, live.Figures.FreeRegionBytes);
            ChargeWalk.Check(live.Heap);
        }
    }

    [Fact]
    public void Every_alignment_to_a_gibibyte_is_met_for_every_size_and_a_larger_one_is_an_error()
    {
        using var live = new LiveSet(new());
        foreach (var size in new nuint[] { 0, 1, 100_000, 2 << 20, (2 << 20) + 1, 5 << 20, (nuint)3 << 30 })
        {
            for (nuint alignment = 1; alignment <= BitTreeAllocator.MaxAlignment; alignment *= 2)
            {
                var pair = new nuint[2];
                for (var i = 0; i < 2; i++)
                {
                    var p = (nuint)live.Allocator.AllocAligned(ref live.Cache, size, alignment);
                    Assert.Equal((nuint)0, p & (alignment - 1));
                    Assert.True(live.Allocator.UsableSize((void*)p) >= size);
                    RegionProbe.Mark(p, Math.Max(size, 8), p);
                    pair[i] = p;
                }

                Assert.True(Math.Max(pair[0], pair[1]) - Math.Min(pair[0], pair[1]) >= Math.Max(size, 1));
                RegionProbe.Check(pair[0], Math.Max(size, 8), pair[0]);
                live.Allocator.FreeAligned(ref live.Cache, (void*)pair[0], size, alignment);
                RegionProbe.Check(pair[1], Math.Max(size, 8), pair[1]);
                live.Allocator.Free(ref live.Cache, (void*)pair[1]);
            }
        }

        Assert.False(live.Allocator.TryAllocAligned(ref live.Cache, 100, BitTreeAllocator.MaxAlignment * 2, out _, out var error));
        Assert.Equal(AllocError.BadAlignment, error);
        live.Cache.Park();
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        ChargeWalk.Check(live.Heap);
    }

    [Theory]
    [InlineData(0, new ulong[] { 16, 32, 64, 128 })]
    [InlineData(1, new ulong[] { 16, 32, 48, 72, 108, 162 })]
    [InlineData(3, new ulong[] { 16, 32, 48, 64, 80, 100 })]
    public void Areas_of_the_smallest_class_grow_by_the_dampeners_exact_sequence(ulong dampener, ulong[] expected)
    {
        using var live = new LiveSet(new());
        live.Heap->Policy.GrowthDampener = dampener;
        var seen = new HashSet<nuint>();
        for (var number = 1; number <= expected.Length; number++)
        {
            // Every region of the areas so far, and one more: the next area comes then, not before.
            while (RegionProbe.Areas(live.Heap, 0).Count < number)
                Assert.True(seen.Add(RegionProbe.Alloc(live, 2 * MiB)));
            Assert.Equal(expected[..number], RegionProbe.Areas(live.Heap, 0));
            Assert.Equal(expected[..(number - 1)].Aggregate(0ul, (sum, one) => sum + one) + 1, (ulong)seen.Count);
        }

        Assert.Equal((ulong)seen.Count * 2 * MiB, (ulong)live.Figures.RegionBytes);
    }

    [Fact]
    public void A_change_of_the_dampener_is_honoured_by_the_next_area()
    {
        using var live = new LiveSet(new());
        Grow(live, 0, 3);
        Assert.Equal([16, 32, 64], RegionProbe.Areas(live.Heap, 0));
        Grow(live, 3, 5);
        Grow(live, Policy.Never, 6);
        Grow(live, 0, 7);
        Assert.Equal([16, 32, 64, 80, 100, 116, 232], RegionProbe.Areas(live.Heap, 0));

        static void Grow(LiveSet live, ulong dampener, int areas)
        {
            live.Heap->Policy.GrowthDampener = dampener;
            while (RegionProbe.Areas(live.Heap, 0).Count < areas)
                RegionProbe.Alloc(live, 2 * MiB);
        }
    }
}
