using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Pages go back from empty blocks and from inside used ones, and a purge that fails loses and duplicates nothing.</summary>
public sealed unsafe class SweeperTests
{
    [FactOnLinux]
    public void Free_pages_inside_used_blocks_go_back_and_live_slots_keep_their_contents()
    {
        using var live = new LiveSet(new());
        live.AllocMany(6500, 1000);
        live.FreeWhere(i => i % 65 != 0);
        var blocks = live.Live.Select(one => one.Address & ~65_535).Distinct().ToArray();
        var before = blocks.Sum(block => (long)Pages.ResidentBytes((void*)block, 65_536));
        var result = live.Allocator.Trim(ref live.Cache);
        var after = blocks.Sum(block => (long)Pages.ResidentBytes((void*)block, 65_536));
        Assert.InRange(after, blocks.Length * 4096, blocks.Length * 2 * 4096);
        Assert.InRange((long)result.PurgedBytes, before - after, before);
        live.CheckAll();

        // The holes serve again, and their new owners hold alone what they are given.
        live.AllocMany(6000, 1000);
        live.CheckAll();
        live.FreeAll();
    }

    [Theory]
    [InlineData(8)]
    [InlineData(24)]
    [InlineData(40)]
    [InlineData(3000)]
    [InlineData(4096)]
    [InlineData(5000)]
    [InlineData(20_000)]
    public void A_slot_that_crosses_pages_keeps_all_of_them(int size)
    {
        using var live = new LiveSet(new());
        var count = Math.Min(40_000, 4_000_000 / size);
        foreach (var keep in new[] { 2, 3, 7, 64 })
        {
            live.AllocMany(count, size);
            live.FreeWhere(i => i % keep != 0);
            live.Allocator.Trim(ref live.Cache);
            live.CheckAll();
        }

        live.FreeAll();
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal((nuint)0, live.Figures.TouchedBytes);
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
    }

    [Fact]
    public void What_purged_pages_serve_as_zeroed_reads_as_zero()
    {
        using var live = new LiveSet(new());
        live.AllocMany(400, 5000);
        live.FreeWhere(i => i % 13 != 0);
        live.Allocator.Trim(ref live.Cache);
        for (var i = 0; i < 500; i++)
        {
            var address = (byte*)live.Allocator.AllocZeroed(ref live.Cache, 5000);
            Assert.False(new Span<byte>(address, 5000).ContainsAnyExcept((byte)0));
            live.Adopt(address, 5000);
        }

        live.CheckAll();
    }

    [Theory]
    [InlineData(CasWidth.Eight, VmStatus.NotSupported)]
    [InlineData(CasWidth.Auto, VmStatus.NotSupported)]
    [InlineData(CasWidth.Eight, VmStatus.CommitRefused)]
    [InlineData(CasWidth.Auto, VmStatus.TooManyMappings)]
    public void A_purge_that_fails_at_any_call_loses_nothing_and_hands_nothing_out_twice(CasWidth width, VmStatus status)
    {
        for (var k = 1; k <= 24; k++)
        {
            using var os = new SimulatedVirtualMemory();
            using (var live = LiveSet.Over(os, width))
            {
                Churn(live, () => os.FailAt(VmVerb.Purge, k, status));
                os.ClearFaults();
                Drain(live, expectAllPurged: true);
            }

            Assert.Equal(0ul, os.ReservedBytes);
            Assert.Empty(os.Violations);
        }
    }

    [Fact]
    public void Purges_that_all_fail_leave_an_allocator_that_works()
    {
        foreach (var status in new[] { VmStatus.NotSupported, VmStatus.CommitRefused })
        {
            using var os = new SimulatedVirtualMemory();
            using var live = LiveSet.Over(os);
            Churn(live, () => os.FailEvery(VmVerb.Purge, 1, status));
            Assert.NotEqual(0, os.FaultsInjected);
            if (status == VmStatus.NotSupported)
                Assert.Equal((nuint)0, live.Figures.PurgedBytes);
            os.ClearFaults();
            Drain(live, expectAllPurged: true);
            Assert.Empty(os.Violations);
        }
    }

    [Fact]
    public void Pages_that_a_purge_lost_and_that_cannot_be_had_again_are_never_handed_out()
    {
        for (var k = 1; k <= 8; k++)
        {
            using var os = new SimulatedVirtualMemory();
            using var live = LiveSet.Over(os);

            // The k-th purge loses its pages, and the next commit is refused: a slot in them would end this process at its first touch.
            Churn(live, () =>
            {
                os.FailAt(VmVerb.Purge, k, VmStatus.CommitRefused);
                os.FailAt(VmVerb.Commit, 1);
            });
            Drain(live, expectAllPurged: false);
            Assert.Empty(os.Violations);
        }
    }

    /// <summary>Blocks empty, partly used and full, of several classes; then faults, a trim, and all of it used again.</summary>
    private static void Churn(LiveSet live, Action plant)
    {
        live.AllocMany(800, 1000);
        live.AllocMany(3000, 24);
        live.AllocMany(60, 9000);
        live.FreeWhere(i => i % 40 != 0 || i > 3500);
        plant();
        live.Allocator.Trim(ref live.Cache);
        live.CheckAll();
        live.AllocMany(2000, 700);
        live.AllocMany(800, 1000);
        live.AllocMany(3000, 24);
        live.AllocMany(60, 9000);
        live.CheckAll();
        live.FreeWhere(i => i % 5 != 0);
        live.Allocator.Trim(ref live.Cache);
        live.AllocMany(1500, 1000);
        live.CheckAll();
    }

    private static void Drain(LiveSet live, bool expectAllPurged)
    {
        live.FreeAll();
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal((nuint)0, live.Figures.LiveBytes);
        Assert.Equal((nuint)0, live.Figures.CachedBytes);
        if (expectAllPurged)
            Assert.Equal((nuint)0, live.Figures.TouchedBytes);
    }
}
