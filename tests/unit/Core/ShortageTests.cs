using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>When the system gives no more: what lies cached, recycled or empty elsewhere is fetched first, and the error states figures.</summary>
public sealed unsafe class ShortageTests
{
    private const int MiB = 1 << 20;

    public static TheoryData<CasWidth> Forms => CasForms.All;

    [Theory]
    [MemberData(nameof(Forms))]
    public void Exhaustion_names_reason_and_figures_leaves_live_data_intact_and_ends_with_a_free(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 16 * MiB });
        using (var live = LiveSet.Over(os, width))
        {
            while (live.TryAlloc(1000, out _))
            {
            }

            Assert.InRange(live.Count, 13_000, 16_777);
            var error = Assert.Throws<AllocatorOutOfMemoryException>(() => live.Alloc(1000));
            Assert.Equal(AllocError.CommitRefused, error.Error);
            Assert.Equal((nuint)1000, error.RequestedBytes);
            foreach (var figure in new[] { "1000 bytes", "CommitRefused", $"{live.Figures.LiveBytes} bytes live", $"{live.Figures.CommittedBytes} committed" })
                Assert.Contains(figure, error.Message, StringComparison.Ordinal);
            live.CheckAll();
            live.FreeWhere(i => i % 2 == 0);
            var half = live.Count;
            live.AllocMany(half, 1000);
            live.CheckAll();
            live.FreeAll();
        }

        Assert.Equal(0ul, os.ReservedBytes);
        Assert.Empty(os.Violations);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void What_other_classes_left_free_serves_when_the_system_refuses(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 16 * MiB });
        using var live = LiveSet.Over(os, width);
        foreach (var (from, to) in new[] { (32, 4000), (4000, 32), (60_000, 700) })
        {
            while (live.TryAlloc(from, out _))
            {
            }

            live.FreeAll();
            live.AllocMany(8 * MiB / to, to); // small blocks' pages have to go back first
            live.CheckAll();
            live.FreeAll();
        }
    }

    [Fact]
    public void Slots_that_this_cache_and_the_recycler_hold_of_other_classes_come_home_first()
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 8 * MiB });
        using var live = LiveSet.Over(os, purging: PurgeMode.Off);
        while (live.TryAlloc(4000, out _))
        {
        }

        // Four slots a magazine: two in the cache, sixteen in the recycler; the last blocks are home but for those.
        var count = live.Count;
        live.FreeWhere(i => i >= count - 32);
        live.Alloc(3000);
        live.CheckAll();
    }

    [Fact]
    public void A_single_refusal_is_asked_again_once()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.Alloc(1000);
        os.FailAt(VmVerb.Commit, 1);
        os.FailAt(VmVerb.Commit, 2); // the larger step and the need
        live.AllocMany(8000, 1000);
        Assert.Equal(2, os.FaultsInjected);
        live.CheckAll();
    }

    [Fact]
    public void A_block_that_a_stopped_setter_hid_is_found_before_memory_is_declared_short()
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 8 * MiB });
        using var live = LiveSet.Over(os, purging: PurgeMode.Off, reserve: 16 * MiB);
        while (live.TryAlloc(60_000, out _))
        {
        }

        live.FreeWhere(i => i == 20);
        live.Cache.Park();
        var space = &Placement<HardwareAtomics>.StretchAt(live.Heap, 0)->Large;

        // As a setter leaves it that stopped between the leaf and its parents.
        for (var column = 0ul; column < space->Trees.Columns; column++)
            space->Trees.Summaries[column] = space->Trees.Tops[column] = space->Trees.Middles[column] = 0;
        live.Alloc(60_000);
        live.CheckAll();
    }
}
