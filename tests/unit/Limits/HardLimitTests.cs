using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Limits;

/// <summary>The hard limit: what is charged, what is refused, and that a refusal changes nothing.</summary>
public sealed unsafe class HardLimitTests
{
    private const int MiB = 1 << 20;

    /// <summary>The smallest request that gets a mapping of its own: a granule more than a region holds.</summary>
    private static readonly nuint s_giant = ((nuint)64 << 30) + (64 << 10);

    public static TheoryData<CasWidth> Forms => CasForms.All;

    [Theory]
    [MemberData(nameof(Forms))]
    public void Blocks_are_charged_from_birth_until_they_are_purged_whole(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, width, PurgeMode.Off);
        Assert.Equal(live.Figures.MetadataBytes, live.Figures.ChargedBytes);
        live.AllocMany(3000, 1000);
        live.AllocMany(3000, 24);
        ChargeWalk.Check(live.Heap);
        Assert.True(live.Figures.ChargedBytes >= live.Figures.MetadataBytes + (3000 * 1024));
        var charged = live.Figures.ChargedBytes;
        live.FreeWhere(i => i % 50 != 0);
        live.Allocator.Trim(ref live.Cache);

        // Every block of the larger class keeps a slot: pages inside went back, the charge of the blocks stays.
        Assert.NotEqual((nuint)0, live.Figures.PurgedBytes);
        ChargeWalk.Check(live.Heap);
        Assert.InRange(live.Figures.ChargedBytes, charged - (1 * MiB), charged);
        live.FreeAll();
        live.Allocator.Trim(ref live.Cache);
        ChargeWalk.Check(live.Heap);
        Assert.Equal(live.Figures.MetadataBytes, live.Figures.ChargedBytes);
    }

    [Fact]
    public void Regions_are_charged_as_they_are_touched_and_until_their_pages_are_gone()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, purging: PurgeMode.Off);
        live.Alloc(3 * MiB);
        ChargeWalk.Check(live.Heap);
        var before = live.Figures;
        Assert.Equal((nuint)(4 * MiB), before.ChargedBytes - before.MetadataBytes);
        live.Alloc(5 * MiB);
        Assert.Equal(before.ChargedBytes - before.MetadataBytes + (6 * MiB), live.Figures.ChargedBytes - live.Figures.MetadataBytes);
        live.FreeAll();
        Assert.Equal((nuint)(10 * MiB), live.Figures.ChargedBytes - live.Figures.MetadataBytes);
        Assert.Equal((0, (nuint)(10 * MiB)), (live.Figures.RegionCount, live.Figures.FreeRegionBytes));
        ChargeWalk.Check(live.Heap);
        live.Allocator.Trim();
        Assert.Equal(live.Figures.MetadataBytes, live.Figures.ChargedBytes);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Direct_mappings_are_charged_whole_and_returned_at_free()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.Alloc(100_000);
        ChargeWalk.Check(live.Heap);
        var before = live.Figures;
        var giant = live.Allocator.Alloc(ref live.Cache, s_giant);
        Assert.Equal(before.ChargedBytes - before.MetadataBytes + s_giant, live.Figures.ChargedBytes - live.Figures.MetadataBytes);
        ChargeWalk.Check(live.Heap);
        live.Allocator.Free(ref live.Cache, giant, s_giant);
        Assert.Equal(before.ChargedBytes - before.MetadataBytes, live.Figures.ChargedBytes - live.Figures.MetadataBytes);
        ChargeWalk.Check(live.Heap);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_mapping_that_cannot_be_released_is_charged_for_as_long_as_it_is_resident(bool purges)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        var giant = live.Allocator.Alloc(ref live.Cache, s_giant);
        var metadata = live.Figures.MetadataBytes;
        os.FailAt(VmVerb.Release, 1);
        if (!purges)
            os.FailAt(VmVerb.Purge, 1);
        live.Allocator.Free(ref live.Cache, giant);
        Assert.Equal(metadata + (purges ? 0u : s_giant), live.Figures.ChargedBytes);
        Assert.Equal((nuint)0, live.Figures.DirectBytes);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void What_exceeds_it_fails_with_the_reason_and_names_limit_charge_request_and_remedy(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, CasWidth = width, HardLimitBytes = 16 * MiB });
        AllocError reason;
        while (live.TryAlloc(1000, out reason))
        {
        }

        Assert.Equal(AllocError.LimitReached, reason);
        Assert.InRange(live.Figures.ChargedBytes, (nuint)(16 * MiB) - (128 << 10), (nuint)(16 * MiB));
        var error = Assert.Throws<AllocatorOutOfMemoryException>(() => live.Alloc(1000));
        Assert.Equal(AllocError.LimitReached, error.Error);
        foreach (var part in new[] { "1000 bytes", "LimitReached", $"hard limit is {16 * MiB} bytes", $"{live.Figures.ChargedBytes} are charged", "Free memory", "raise HardLimitBytes" })
            Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.Equal(0, os.FaultsInjected);
        live.CheckAll();
        ChargeWalk.Check(live.Heap);

        // Other sizes, classes and forms meet the same wall.
        foreach (var size in new nuint[] { 40, 5000, 60_000, 70_000, 3_000_000, 1 << 30, s_giant })
        {
            Assert.False(live.Allocator.TryAlloc(ref live.Cache, size, out _, out reason) && size > 5000);
            Assert.True(reason is AllocError.None or AllocError.LimitReached);
        }

        Assert.False(live.Allocator.TryAllocZeroed(ref live.Cache, 60_000, out _, out reason));
        Assert.Equal(AllocError.LimitReached, reason);
        Assert.False(live.Allocator.TryAllocAligned(ref live.Cache, 60_000, 65_536, out _, out reason));
        Assert.Equal(AllocError.LimitReached, reason);
        Assert.False(live.Allocator.TryAllocAligned(ref live.Cache, 100_000, 1 << 20, out _, out reason));
        Assert.Equal(AllocError.LimitReached, reason);
        var old = (void*)live.Live[0].Address;
        Assert.False(live.Allocator.TryRealloc(ref live.Cache, old, 60_000, out _, out reason));
        Assert.Equal(AllocError.LimitReached, reason);
        Assert.False(live.Allocator.TryRealloc(ref live.Cache, old, 1 << 20, out _, out reason));
        Assert.Equal(AllocError.LimitReached, reason);
        live.CheckAll();
        live.FreeAll();
        live.Alloc(8 * MiB);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void A_refused_request_leaves_every_figure_as_it_was()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, HardLimitBytes = 16 * MiB });
        while (live.TryAlloc(50_000, out _))
        {
        }

        live.Cache.Park();
        live.TryAlloc(1 << 20, out _);
        var before = live.Figures;
        var committed = os.CommittedBytes;
        Assert.False(live.TryAlloc(50_000, out _));
        Assert.False(live.TryAlloc(1 << 20, out _));
        Assert.False(live.Allocator.TryAllocZeroed(ref live.Cache, 50_000, out _, out _));
        var after = live.Figures;
        Assert.Equal((before.LiveBytes, before.ChargedBytes, before.CommittedBytes, before.DirectCount), (after.LiveBytes, after.ChargedBytes, after.CommittedBytes, after.DirectCount));
        Assert.Equal(committed, os.CommittedBytes);
        live.CheckAll();
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void It_may_be_set_raised_lowered_and_lifted_while_the_allocator_works()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(100, 60_000);
        Assert.Equal(0ul, live.Allocator.HardLimitBytes);

        // Below what is in use: nothing is taken away, the next birth fails, a slot at hand still serves.
        live.Allocator.HardLimitBytes = 1 * MiB;
        Assert.Equal((nuint)MiB, live.Figures.HardLimitBytes);
        Assert.False(live.TryAlloc(100_000, out var reason));
        Assert.Equal(AllocError.LimitReached, reason);
        live.CheckAll();
        live.FreeWhere(i => i < 10);
        live.AllocMany(10, 60_000);
        live.Allocator.HardLimitBytes = 64 * MiB;
        live.AllocMany(500, 60_000);
        live.Allocator.HardLimitBytes = 0;
        live.AllocMany(1000, 60_000);
        Assert.True(live.Figures.ChargedBytes > 64 * MiB);
        live.CheckAll();
    }

    [Fact]
    public void Options_set_the_limits_and_a_soft_one_above_the_hard_is_told()
    {
        using var allocator = new BitTreeAllocator(new() { SoftLimitBytes = 10 * MiB, HardLimitBytes = 20 * MiB });
        Assert.Equal((10ul * MiB, 20ul * MiB), (allocator.SoftLimitBytes, allocator.HardLimitBytes));
        var error = Assert.Throws<ArgumentException>(() => new BitTreeAllocator(new() { SoftLimitBytes = 30, HardLimitBytes = 20 }));
        Assert.Contains("30", error.Message, StringComparison.Ordinal);
        Assert.Contains("(20)", error.Message, StringComparison.Ordinal);
        var gone = new BitTreeAllocator();
        gone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => gone.HardLimitBytes = 1);
        Assert.Throws<ObjectDisposedException>(() => _ = gone.SoftLimitBytes);
    }

    [Theory]
    [InlineData(0, 2.0)]
    [InlineData(16 * MiB, 0.7)]
    public void The_floor_is_what_the_guide_says(int reserve, double megabytes)
    {
        using var os = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table, ReserveBytes = (ulong)reserve });
        allocator.Free(allocator.Alloc(100));
        allocator.Trim();
        Assert.InRange(allocator.GetStatistics().ChargedBytes / (double)MiB, megabytes - 0.1, megabytes + 0.1);
    }

    [Fact]
    public void Below_its_floor_an_allocator_is_made_refuses_and_serves_once_the_limit_is_raised()
    {
        using var live = new LiveSet(new() { HardLimitBytes = 1000 });
        Assert.False(live.TryAlloc(10, out var reason));
        Assert.Equal(AllocError.LimitReached, reason);
        Assert.InRange(live.Figures.ChargedBytes, 1000u, (nuint)(5 * MiB / 2));
        live.Allocator.HardLimitBytes = 0;
        live.Alloc(10);
    }

    [Fact]
    public void Frees_need_no_room_under_it()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, HardLimitBytes = 12 * MiB });
        for (var size = 8; live.TryAlloc(size, out _); size = size % 9000 + 8)
        {
        }

        // Every class now needs a magazine to be freed into, at the limit: slots go home one by one where there is none.
        live.Allocator.HardLimitBytes = 1;
        live.FreeAll(sized: false);
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal(live.Figures.MetadataBytes, live.Figures.ChargedBytes);
    }

    [Fact]
    public void A_stretch_is_made_smaller_where_the_header_of_a_large_one_does_not_fit()
    {
        using var live = new LiveSet(new() { ReserveBytes = 16 * MiB, HardLimitBytes = 24 * MiB });
        while (live.TryAlloc(60_000, out _))
        {
        }

        // The first stretch holds 16 MiB of such blocks.
        Assert.InRange(live.Count, (18 * MiB) >> 16, (24 * MiB) >> 16);
        ChargeWalk.Check(live.Heap);
        live.CheckAll();
    }
}
