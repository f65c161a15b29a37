using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Core.LargeMemory;
using BitTreeAlloc.Tests.Unit.Limits;

namespace BitTreeAlloc.Tests.Unit.Core.HugeMemory;

/// <summary>Q8, D4, D11: pages of 1 GiB, of 2 MiB, ordinary ones; a pool that refused is asked again later; the step is told; and pages of the pool in advance.</summary>
public sealed unsafe class HugePoolLadder
{
    private const int MiB = 1 << 20;
    private const ulong GiB = 1ul << 30;

    [Fact]
    public void Each_step_denied_leads_to_the_next_and_all_are_aligned_and_told()
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages1GiB = 2, HugePages2MiB = 600 });
        using (var live = Make(os))
        {
            var steps = new List<(ulong Giant, ulong Pool, long Refusals)>();
            for (var i = 0; i < 5; i++)
            {
                var address = (nuint)(i % 2 == 0 ? live.Allocator.Alloc(ref live.Cache, (nuint)GiB) : live.Allocator.AllocAligned(ref live.Cache, (nuint)GiB, (nuint)GiB));
                Assert.Equal(0ul, address & (GiB - 1));
                RegionProbe.CheckZero(address, GiB);
                RegionProbe.Mark(address, GiB, (ulong)i);
                live.FreeWhereForgotten();
                var figures = live.Figures;
                steps.Add((figures.GiantPageBytes, figures.HugePoolBytes, figures.HugePoolRefusals));
                Assert.Equal(figures.HugePoolBytes, os.HugeBytes);
            }

            // 1 GiB twice; then it is refused and 2 MiB serve; 1 GiB is passed by and 2 MiB refuse (88 of them are left); both: 1 GiB refuses, 2 MiB are passed by.
            Assert.Equal([(GiB, GiB, 0), (2 * GiB, 2 * GiB, 0), (2 * GiB, 3 * GiB, 1), (2 * GiB, 3 * GiB, 2), (2 * GiB, 3 * GiB, 3)], steps);
            ChargeWalk.Check(live.Heap);
        }

        Assert.Equal((2ul, 600ul, 0ul), (os.FreeHugePages(30), os.FreeHugePages(21), os.ReservedBytes));
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void A_pool_that_refuses_is_passed_by_for_1_2_4_to_64_commits_and_found_again_when_it_recovers()
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = 4000 });
        using var live = Make(os);
        os.FailEvery(VmVerb.CommitHuge, 1);
        var passed = new List<int>();
        for (var (commits, since) = (0, 0); passed.Count < 10; commits++)
        {
            var asked = os.Calls(VmVerb.CommitHuge);
            Assert.Equal(0u, (nuint)live.Allocator.Alloc(ref live.Cache, 3 * MiB) & (2 * MiB - 1));
            if (os.Calls(VmVerb.CommitHuge) == asked)
            {
                since++;
                continue;
            }

            Assert.Equal(asked + 1, os.Calls(VmVerb.CommitHuge));
            passed.Add(since);
            since = 0;
        }

        Assert.Equal([0, 1, 2, 4, 8, 16, 32, 64, 64, 64], passed);
        Assert.Equal(((nuint)0, 10L), (live.Figures.HugePoolBytes, live.Figures.HugePoolRefusals));

        // It recovers: found after 64 commits at the latest, and asked each time from then on.
        os.ClearFaults();
        for (var i = 0; i <= 64; i++)
            live.Allocator.Alloc(ref live.Cache, 3 * MiB);
        Assert.Equal((nuint)(4 * MiB), live.Figures.HugePoolBytes);
        for (var i = 0; i < 5; i++)
            live.Allocator.Alloc(ref live.Cache, 3 * MiB);
        Assert.Equal(((nuint)(24 * MiB), 10L), (live.Figures.HugePoolBytes, live.Figures.HugePoolRefusals));

        // A single refusal begins with 1 again.
        os.FailAt(VmVerb.CommitHuge, 1);
        for (var i = 0; i < 4; i++)
            live.Allocator.Alloc(ref live.Cache, 3 * MiB);
        Assert.Equal(((nuint)(32 * MiB), 11L), (live.Figures.HugePoolBytes, live.Figures.HugePoolRefusals));
        ChargeWalk.Check(live.Heap);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void A_region_of_both_page_sizes_goes_back_whole()
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages1GiB = 3, HugePages2MiB = 10 });
        using var live = Make(os);
        var region = live.Allocator.Alloc(ref live.Cache, (nuint)(3 * GiB));
        RegionProbe.Mark((nuint)region, 3 * GiB, 7);
        Assert.Equal((nint)region, (nint)live.Allocator.Realloc(ref live.Cache, region, (nuint)(3 * GiB) + (5 * MiB)));
        RegionProbe.Check((nuint)region, 3 * GiB, 7);
        var figures = live.Figures;
        Assert.Equal((3 * GiB, (3 * GiB) + (6 * MiB)), ((ulong)figures.GiantPageBytes, (ulong)figures.HugePoolBytes));
        live.Allocator.Free(ref live.Cache, region);
        var before = figures.PurgedBytes;
        live.Allocator.Trim(ref live.Cache);
        figures = live.Figures;
        Assert.Equal((0ul, 0ul, (3 * GiB) + (6 * MiB)), (figures.GiantPageBytes, figures.HugePoolBytes, figures.PurgedBytes - before));
        Assert.Equal((3ul, 10ul), (os.FreeHugePages(30), os.FreeHugePages(21)));
        ChargeWalk.Check(live.Heap);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void A_tick_gives_back_a_region_of_the_pool_that_is_longer_than_its_share_and_advises_its_addresses_again()
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = 100, LogLimit = 100 });
        using var live = Make(os, MemoryPolicy.Of(Profile.Balanced) with { HugePages = HugePages.Pool, TickPurgeBytes = 4 * MiB });
        var (one, two) = ((nuint)live.Allocator.Alloc(ref live.Cache, 64 * MiB), (nuint)live.Allocator.Alloc(ref live.Cache, 64 * MiB));
        live.Allocator.Free(ref live.Cache, (void*)one);
        live.Allocator.Free(ref live.Cache, (void*)two);
        Assert.Equal((nuint)(128 * MiB), live.Figures.HugePoolBytes);

        // The second freed took the cache's slot, and the first lies on offer.
        os.ResetCounters();
        live.Allocator.Tick();
        Assert.Equal((nuint)(64 * MiB), live.Figures.HugePoolBytes);
        Assert.Contains(os.Log, call => call.Verb == VmVerb.Advise && call.Address == one && call.Bytes == 64 * MiB);
        ChargeWalk.Check(live.Heap);
    }

    /// <summary>A tail of a region in use is not given back: its pages are the pool's.</summary>
    [Fact]
    public void The_tail_of_a_region_of_the_pool_stays_and_serves_when_it_grows_again()
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = 100 });
        using var live = Make(os);
        var region = live.Allocator.Alloc(ref live.Cache, 64 * MiB);
        Assert.Equal((nint)region, (nint)live.Allocator.Realloc(ref live.Cache, region, 33 * MiB));
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal((nuint)(64 * MiB), live.Figures.HugePoolBytes);
        var calls = os.TotalCalls;
        Assert.Equal((nint)region, (nint)live.Allocator.Realloc(ref live.Cache, region, 64 * MiB));
        Assert.Equal(calls, os.TotalCalls);
        ChargeWalk.Check(live.Heap);
    }

    /// <summary>Of a pool that is used up, a region that is too short is left alone, wherever it lies.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_longer_request_does_not_fail_for_a_short_region_of_an_exhausted_pool(bool inSlot)
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = 3 });
        using var first = Make(os, MemoryPolicy.Of(Profile.LowLatency) with { HugePages = HugePages.Pool, FreeShare = null });
        var shorter = first.Allocator.Alloc(ref first.Cache, 5 * MiB);
        Assert.True(RegionProbe.WordOf(first.Heap, (nuint)shorter).IsHuge);
        first.Allocator.Free(ref first.Cache, shorter);
        if (!inSlot)
            first.Cache.Park();
        using var second = new LiveSet(first.Allocator, owns: false);
        var purges = os.Calls(VmVerb.DropHuge);
        var longer = second.Allocator.Alloc(ref second.Cache, 8 * MiB);
        Assert.NotEqual((nint)shorter, (nint)longer);
        Assert.Equal((purges, (nuint)(6 * MiB)), (os.Calls(VmVerb.DropHuge), first.Figures.HugePoolBytes));
        Assert.Equal(3, first.Allocator.Reserve(8 * MiB, 3));
        Assert.Equal((nuint)(6 * MiB), first.Figures.HugePoolBytes);

        // The control: a request of its length takes it.
        Assert.Equal((nint)shorter, (nint)first.Allocator.Alloc(ref first.Cache, 6 * MiB));
        ChargeWalk.Check(first.Heap);
        Assert.Empty(os.Violations);
    }

    [Theory]
    [InlineData(100)]
    [InlineData(10)]
    [InlineData(0)]
    [InlineData(null)]
    public void A_reservation_is_resident_in_the_pools_pages_as_far_as_they_go_and_committed_beyond(int? pages)
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = pages });
        using var live = Make(os);
        Assert.Equal(20, live.Allocator.Reserve(8 * MiB, 20));
        var pooled = Math.Min((ulong)(pages ?? 0), 80) / 4 * (8 * MiB);
        var figures = live.Figures;
        Assert.Equal((pooled, pooled, pooled), ((ulong)figures.HugePoolBytes, os.ResidentBytes, (ulong)figures.FreeRegionBytes));
        Assert.True(figures.CommittedBytes >= 160 * MiB);
        ChargeWalk.Check(live.Heap);

        // What is asked for then comes from there: no call commits any more.
        var (commits, huges) = (os.Calls(VmVerb.Commit), os.Calls(VmVerb.CommitHuge));
        var got = Enumerable.Range(0, 20).Select(_ => (nuint)live.Allocator.AllocZeroed(ref live.Cache, 8 * MiB)).ToArray();
        foreach (var address in got)
            RegionProbe.CheckZero(address, 8 * MiB);
        Assert.Equal((commits, huges), (os.Calls(VmVerb.Commit), os.Calls(VmVerb.CommitHuge)));
        Assert.Equal(20, got.Distinct().Count());
        Assert.Empty(os.Violations);
    }

    /// <summary>More than an area has: what the call itself put on offer does not count twice.</summary>
    [Theory]
    [InlineData(3, 50)]
    [InlineData(8, 20)]
    [InlineData(40, 9)]
    public void A_reservation_of_several_areas_counts_each_region_once(int mebibytes, int count)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = Make(os, MemoryPolicy.Of(Profile.Balanced));
        var size = (nuint)mebibytes * MiB;
        Assert.Equal(count, live.Allocator.Reserve(size, count));
        Assert.Equal(count, live.Allocator.Reserve(size, count - 1) + 1);
        var commits = os.Calls(VmVerb.Commit);
        Assert.Equal(count, Enumerable.Range(0, count).Select(_ => (nuint)live.Allocator.Alloc(ref live.Cache, size)).Distinct().Count());
        Assert.Equal(commits, os.Calls(VmVerb.Commit));
        Assert.Equal(count, live.Allocator.Reserve(size, count));
        Assert.Empty(os.Violations);
    }

    private static LiveSet Make(SimulatedVirtualMemory os, MemoryPolicy? policy = null) =>
        new(new() { VirtualMemory = os.Table, Policy = policy ?? (MemoryPolicy.Of(Profile.LargeBuffers) with { HugePages = HugePages.Pool }) });
}
