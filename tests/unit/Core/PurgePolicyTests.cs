using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Purge on demand: when fresh memory is about to be touched above (1 + x) of the recent peak of use, and never otherwise.</summary>
public sealed unsafe class PurgePolicyTests
{
    private const int MiB = 1 << 20;

    /// <summary>What a cache may have taken or granted since the heap's figures were settled.</summary>
    private const long Unsettled = 256 << 10;

    [Fact]
    public void Nothing_is_purged_on_the_way_down()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(32 * MiB / 1000, 1000);
        live.FreeWhere(i => i % 3 != 0);
        live.FreeAll();
        live.Cache.Park();
        Assert.Equal(0, os.Calls(VmVerb.Purge));
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
    }

    [Fact]
    public void Reuse_of_what_was_freed_makes_no_call_at_all()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(16 * MiB / 1000, 1000);
        live.FreeAll();
        var calls = os.TotalCalls;
        live.AllocMany(16 * MiB / 1000, 1000);
        live.FreeAll();
        live.AllocMany(15 * MiB / 3000, 3000);
        Assert.Equal(calls, os.TotalCalls);
        live.CheckAll();
    }

    [Theory]
    [InlineData(Profile.LargeBuffers, 0.25)]
    [InlineData(Profile.Balanced, 0.15)]
    [InlineData(Profile.Frugal, 0.03)]
    public void A_purge_comes_only_when_touched_memory_exceeds_the_peak_by_the_profile_s_share(Profile profile, double slack)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = new LiveSet(new() { VirtualMemory = os.Table, Profile = profile });
        live.AllocMany(24 * MiB / 1000, 1000);
        live.FreeWhere(i => i % 60 != 0); // nearly every block keeps one slot: none is empty, most pages are free
        live.Cache.Park();
        Assert.Equal(0, os.Calls(VmVerb.Purge));
        var purging = 0;
        for (var i = 0; i < 24 * MiB / 3000; i++)
        {
            var touched = live.Heap->TouchedLine.Value;
            var used = Math.Max(0, (long)(live.Heap->InUseLine.Value - live.Heap->CacheGrantedLine.Value) - Unsettled);
            var calls = os.Calls(VmVerb.Purge);
            live.Alloc(3000);
            if (os.Calls(VmVerb.Purge) == calls)
                continue;
            purging++;
            Assert.True(touched > live.Heap->PeakLine.Value + (used * slack), $"purged at {touched} bytes touched and {used} used with a recent peak of {live.Heap->PeakLine.Value}");
        }

        // The condition was met: use fell far below what lay touched, and fresh memory was asked for.
        Assert.InRange(purging, 1, 200);
        live.CheckAll();
        live.FreeAll();
    }

    [Fact]
    public void On_demand_leaves_less_than_half_touched_of_what_lies_touched_without_it()
    {
        var touched = new ulong[2];
        foreach (var mode in new[] { PurgeMode.OnDemand, PurgeMode.Off })
        {
            using var os = new SimulatedVirtualMemory();
            using var live = LiveSet.Over(os, purging: mode);
            PileUp(live);
            touched[(int)mode] = live.Heap->TouchedLine.Value;
            live.CheckAll();
        }

        // What stays are the pages under the survivors and under slots in the recyclers, and the share that the profile allows.
        Assert.InRange(touched[0], 1ul, touched[1] / 2);
    }

    [Fact]
    public void Purging_off_means_no_purge_whatever_happens()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, purging: PurgeMode.Off);
        PileUp(live);
        Assert.Equal(0, os.Calls(VmVerb.Purge));
        live.CheckAll();

        // Asked for, it purges all the same.
        live.Allocator.Trim(ref live.Cache);
        Assert.NotEqual(0, os.Calls(VmVerb.Purge));
        live.CheckAll();
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void Zeroed_memory_that_comes_and_goes_reuses_its_blocks(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, width, PurgeMode.Off);
        var committed = 0ul;
        for (var round = 0; round < 20; round++)
        {
            for (var i = 0; i < 500; i++)
            {
                var address = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 5000);
                Assert.False(new Span<byte>(address, 5000).ContainsAnyExcept((byte)0));
                live.Adopt(address, 5000);
            }

            live.FreeAll();
            if (round == 1)
                committed = os.CommittedBytes;
        }

        Assert.Equal(committed, os.CommittedBytes);
    }

    [Fact]
    public void Zeroed_memory_asks_the_policy_before_it_touches_fresh_pages()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(24 * MiB / 1000, 1000);
        live.FreeWhere(i => i % 60 != 0);
        live.Cache.Park();
        for (var i = 0; i < 20 * MiB / 6000; i++)
            live.Adopt((byte*)live.Allocator.AllocZeroed(ref live.Cache, 6000), 6000);
        Assert.NotEqual(0, os.Calls(VmVerb.Purge));
        live.CheckAll();
    }

    /// <summary>Rounds of 4 MiB, each of another size, of which every 24th allocation survives: a block of 25 slots or more keeps one at least, and none is empty.</summary>
    private static void PileUp(LiveSet live)
    {
        for (var round = 0; round < 8; round++)
        {
            var before = live.Count;
            live.AllocMany(4 * MiB / (500 + (300 * round)), 500 + (300 * round));
            live.FreeWhere(i => i >= before && (i - before) % 24 != 0);
            live.Cache.Park();
        }
    }
}
