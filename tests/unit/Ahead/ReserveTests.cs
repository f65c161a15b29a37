using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core;
using BitTreeAlloc.Tests.Unit.Core.LargeMemory;
using BitTreeAlloc.Tests.Unit.Limits;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Ahead;

/// <summary>Reserve: a target, what is there counts, what was reached is told, and the figures stay true whatever the system refuses.</summary>
public sealed unsafe class ReserveTests
{
    private const int MiB = 1 << 20;
    private static readonly ulong s_most = (ulong)BitTreeAllocator.MaxRegionSize;

    [Theory]
    [InlineData(2 * MiB + 1)] // 4 MiB: eight to the first area
    [InlineData(8 * MiB)]
    [InlineData(100 * MiB)] // one to the first area: the second and third need areas of their own
    public void Three_regions_then_five_add_two_and_then_four_do_nothing(int size)
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 1000 });
        using var live = LiveSet.Over(os);
        var units = RegionClasses.UnitsOf((ulong)size) << RegionWord.UnitShift;
        Assert.Equal(3, live.Allocator.Reserve((nuint)size, 3));
        Assert.Equal(3, CommitsOf(os, units));
        Assert.Equal(5, live.Allocator.Reserve((nuint)size, 5));
        Assert.Equal(5, CommitsOf(os, units));
        var calls = os.TotalCalls;
        Assert.Equal(4, live.Allocator.Reserve((nuint)size, 4));
        Assert.Equal(calls, os.TotalCalls);
        Assert.Equal(5ul * units, (ulong)RegionCommitted(live));
        ChargeWalk.Check(live.Heap);

        // Five distinct regions, without a call; the sixth needs one.
        live.Allocator.Seal(OnOsCall.Refuse);
        live.AllocMany(5, size);
        Assert.False(live.TryAlloc(size, out var error));
        Assert.Equal(AllocError.Sealed, error);
        live.CheckAll();
        Assert.Equal(5, live.Figures.RegionCount);
        live.Allocator.Unseal();
        live.FreeAll();
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Past_the_first_area_every_region_that_is_counted_is_another_one()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        Assert.Equal(50, live.Allocator.Reserve(3 * MiB, 50)); // the first area has eight
        Assert.Equal(50ul * 4 * MiB, (ulong)RegionCommitted(live));
        live.Allocator.Seal(OnOsCall.Refuse);
        live.AllocMany(50, 3 * MiB);
        Assert.Equal(50, live.Live.Select(one => one.Address).Distinct().Count());
        live.Allocator.Unseal();
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Live_ones_and_those_a_cache_keeps_count()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(4, 6 * MiB);
        live.FreeWhere(i => i == 0); // into the cache's slot
        var calls = os.TotalCalls;
        Assert.Equal(4, live.Allocator.Reserve(6 * MiB, 4));
        Assert.Equal(calls, os.TotalCalls);
        Assert.Equal(6, live.Allocator.Reserve(6 * MiB, 6));
        live.AllocMany(10_000, 100);
        calls = os.TotalCalls;
        Assert.InRange(live.Allocator.Reserve(100, 10_000), 10_000, 11_000);
        Assert.Equal(calls, os.TotalCalls);
        ChargeWalk.Check(live.Heap);
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(24, 100_000)]
    [InlineData(200, 20_000)]
    [InlineData(65_536, 300)]
    [InlineData(100_000, 50)]
    [InlineData(2 * MiB, 10)]
    public void Slots_of_a_class_are_there_at_once_and_the_allocations_make_no_call(int size, int count)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.Alloc(size); // the cache has its magazines
        var reached = live.Allocator.Reserve((nuint)size, count + 1);
        Assert.InRange(reached, count + 1, long.MaxValue);
        Assert.Equal(reached, live.Allocator.Reserve((nuint)size, reached));
        live.Allocator.Reserve(16, 2 * count); // magazines take nothing from blocks; other classes take no block of this one
        live.Allocator.Seal(OnOsCall.Refuse);
        var calls = os.TotalCalls;
        for (var i = 0; i < count; i++)
            Assert.True(live.TryAlloc(size, out var error), $"number {i}: {error}");
        Assert.Equal(calls, os.TotalCalls);
        Assert.Equal(0, live.Figures.SealBrokenCalls);
        live.CheckAll();
        live.Allocator.Unseal();
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void What_a_bounded_system_grants_is_kept_and_told_with_the_reason()
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 128 * MiB });
        using var live = LiveSet.Over(os);
        var results = live.Allocator.Reserve(new ReservePlan { { 8 * MiB, 4 }, { 8 * MiB, 100 }, { 1000, 1_000_000 }, { 8 * MiB, 2 } });
        Assert.Equal((8 * MiB, 4, 4, AllocError.None), ((int)results[0].Size, results[0].Count, results[0].Reached, results[0].Error));
        Assert.InRange(results[1].Reached, 10, 15);
        Assert.Equal(AllocError.CommitRefused, results[1].Error);
        Assert.InRange(results[2].Reached, 1, 20_000); // what was left beside the regions
        Assert.Equal(AllocError.CommitRefused, results[2].Error);
        Assert.Equal((true, AllocError.None), (results[3].Reached >= 2, results[3].Error));
        var reached = (int)results[1].Reached;
        Assert.Equal(results[1].Reached, live.Allocator.Reserve(8 * MiB, reached)); // saturated: nothing is lost by asking again
        live.Allocator.Seal(OnOsCall.Refuse);
        live.AllocMany(reached, 8 * MiB);
        live.Allocator.Unseal();
        live.CheckAll();
        ChargeWalk.Check(live.Heap);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Where_addresses_end_the_reason_is_told()
    {
        using var os = new SimulatedVirtualMemory(new() { AddressSpaceBytes = 512 * MiB });
        using var live = LiveSet.Over(os, reserve: 16 * MiB);
        var result = live.Allocator.Reserve(new ReservePlan { { 64 * MiB, 1000 } })[0];
        Assert.InRange(result.Reached, 0, 7);
        Assert.Equal(AllocError.AddressSpaceExhausted, result.Error);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Blocks_count_against_the_hard_limit_at_once_and_regions_when_they_are_touched()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, HardLimitBytes = 64 * MiB, Level = Level.Fast });
        var results = live.Allocator.Reserve(new ReservePlan { { 4 * MiB, 5 }, { 10_000, 100_000 }, { 4 * MiB, 6 } });
        Assert.Equal((5L, AllocError.None), (results[0].Reached, results[0].Error));
        Assert.InRange(results[1].Reached, 1, 6500);
        Assert.Equal(AllocError.LimitReached, results[1].Error);
        Assert.Equal(6, results[2].Reached); // committed, not charged: nobody touched it
        Assert.InRange((ulong)live.Figures.ChargedBytes, 56ul * MiB, 64ul * MiB);
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Populated_regions_count_against_the_hard_limit()
    {
        using var live = new LiveSet(new() { HardLimitBytes = 64 * MiB, Level = Level.Fast });
        Assert.InRange(Prefault(live.Allocator, 8 * MiB, 100), 5, 7);
        ChargeWalk.Check(live.Heap);
        Assert.InRange((ulong)live.Figures.ChargedBytes, 40ul * MiB, 64ul * MiB);
        live.AllocMany(5, 8 * MiB); // nothing more is charged for them
        ChargeWalk.Check(live.Heap);
    }

    [Fact]
    public void Whichever_call_is_refused_the_figures_are_true_and_what_was_reached_serves()
    {
        var refused = 0;
        foreach (var populate in new[] { false, true })
        {
            for (var k = 1; ; k++)
            {
                using var os = new SimulatedVirtualMemory();
                using var live = LiveSet.Over(os, reserve: 16 * MiB);
                var before = os.FaultsInjected;
                os.FailAt(null, k);
                var (reached, medium, small) = Fill(live, populate);
                var isDone = os.FaultsInjected == before;
                refused += isDone ? 0 : 1;
                os.ClearFaults();
                ChargeWalk.Check(live.Heap);
                live.Allocator.Seal(OnOsCall.Refuse);
                for (var i = 0; i < reached; i++)
                    Assert.True(live.TryAlloc(3 * MiB, out var error), $"k {k}: number {i} of {reached}: {error}");
                live.Allocator.Unseal();
                Assert.Equal((20, true), (live.Allocator.Reserve(3 * MiB, 20), medium >= 0 && small >= 0));
                live.CheckAll();
                live.FreeAll();
                live.Allocator.Trim(ref live.Cache);
                ChargeWalk.Check(live.Heap);
                Assert.Empty(os.Violations);
                if (isDone)
                    break;
                Assert.InRange(k, 1, 1000);
            }
        }

        Assert.InRange(refused, 50, int.MaxValue);
    }

    [Fact]
    public void A_refused_reserve_that_is_repeated_takes_no_address_twice()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.Allocator.Reserve(64 * MiB, 1);
        os.FailEvery(VmVerb.Commit, 1);
        Assert.Equal(1, live.Allocator.Reserve(64 * MiB, 2));
        var (reserved, areas) = (os.ReservedBytes, RegionProbe.Areas(live.Heap, RegionClasses.ClassOf(64 * MiB)).Count);
        for (var i = 0; i < 100; i++)
            Assert.Equal(1, live.Allocator.Reserve(64 * MiB, 2));
        Assert.Equal((reserved, areas), (os.ReservedBytes, RegionProbe.Areas(live.Heap, RegionClasses.ClassOf(64 * MiB)).Count));
        os.ClearFaults();
        Assert.Equal(2, live.Allocator.Reserve(64 * MiB, 2));
    }

    [Fact]
    public void Threads_that_reserve_and_allocate_at_once_get_each_region_once() => Seeded.Run(3, random =>
    {
        using var os = new SimulatedVirtualMemory();
        using var allocator = new BitTreeAllocator(new() { VirtualMemory = os.Table });
        var seeds = Enumerable.Range(0, 4).Select(_ => random.Next()).ToArray();
        Threads.Run(4, number =>
        {
            var own = new Random(seeds[number]);
            using var live = new LiveSet(allocator, owns: false);
            for (var round = 0; round < 60; round++)
            {
                if (own.Next(3) == 0)
                    allocator.Reserve(3 * MiB, own.Next(40));
                else
                    live.AllocMany(own.Next(3), 3 * MiB);
                if (live.Count > 4)
                    live.FreeWhere(_ => own.Next(2) == 0);
            }

            live.FreeAll();
        });
        using var last = new LiveSet(allocator, owns: false);
        ChargeWalk.Check(last.Heap);
        Assert.Equal((nuint)0, allocator.GetStatistics().LiveBytes);
        Assert.Empty(os.Violations);
    });

    [Fact]
    public void Numbers_out_of_range_are_told_and_zero_is_fine()
    {
        using var allocator = new BitTreeAllocator();
        Assert.Throws<ArgumentOutOfRangeException>(() => allocator.Reserve(100, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => allocator.Reserve(checked((nuint)(s_most + 1)), 1));
        Assert.Throws<ArgumentNullException>(() => allocator.Reserve(null!));
        Assert.Equal(0, allocator.Reserve(100, 0));
        Assert.Equal(0, allocator.Reserve(100 * MiB, 0));
        Assert.Empty(allocator.Reserve([]));
        allocator.Dispose();
        Assert.Throws<ObjectDisposedException>(() => allocator.Reserve(100, 1));
    }

    private static (long Regions, long Medium, long Small) Fill(LiveSet live, bool populate)
    {
        long Of(nuint size, long count) => populate ? Prefault(live.Allocator, size, count) : live.Allocator.Reserve(size, count);
        return (Of(3 * MiB, 12), Of(300_000, 30), Of(100, 3000));
    }

    private static ulong PoolBytes(SimulatedVirtualMemory os, LiveSet live) => os.ReservedBytes - Math.Min(os.ReservedBytes, (ulong)live.Figures.ReservedBytes);

    private static long Prefault(BitTreeAllocator allocator, nuint size, long count) => allocator.PrefaultAsync(size, count).GetAwaiter().GetResult();

    private static int CommitsOf(SimulatedVirtualMemory os, ulong bytes) => os.Log.Count(call => call is { Verb: VmVerb.Commit, Status: VmStatus.Ok } && call.Bytes == bytes);

    private static nuint RegionCommitted(LiveSet live)
    {
        var blocks = live.Figures.Classes.Sum(one => (long)one.Blocks);
        Assert.Equal(0, blocks);
        return live.Figures.CommittedBytes - live.Figures.MetadataBytes;
    }
}
