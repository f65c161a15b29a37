using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>Empty blocks: each class keeps one, the others serve any class of the same kind, without a call to the system.</summary>
public sealed unsafe class EmptyBlockTests
{
    [Fact]
    public void A_class_keeps_one_empty_block_and_gives_the_others_up()
    {
        using var live = new LiveSet(new());
        live.AllocMany(640, 1000);
        Assert.InRange(BlocksOf(live, 1000), 10, 12);
        live.FreeAll();
        live.Allocator.Trim(ref live.Cache); // recycler and cache empty
        live.AllocMany(640, 1000);
        live.FreeAll();
        live.Cache.Park();
        while (BlocksOf(live, 1000) > 0 && live.Figures.CachedBytes > 0)
            DrainRecycler(live, 1000);
        Assert.Equal(1, BlocksOf(live, 1000));
    }

    [Fact]
    public void A_class_whose_kept_block_was_purged_and_went_to_another_keeps_one_again()
    {
        using var live = new LiveSet(new());
        live.AllocMany(10, 4000);
        live.FreeAll();
        live.Cache.Park();
        Assert.Equal(1, BlocksOf(live, 4000));
        live.Allocator.Trim(ref live.Cache);
        Assert.Equal(0, BlocksOf(live, 4000));
        live.AllocMany(10, 2000); // takes the block that the other class had kept
        live.AllocMany(1, 4000);
        var mine = live.Count - 1;
        live.FreeWhere(i => i == mine);
        live.Cache.Park();
        Assert.Equal(1, BlocksOf(live, 4000));
    }

    [Theory]
    [MemberData(nameof(CasForms.All), MemberType = typeof(CasForms))]
    public void A_block_emptied_by_one_class_serves_another_without_a_call(CasWidth width)
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os, width);
        live.AllocMany(8000, 500);
        live.FreeAll();
        live.Cache.Park();

        // 62 blocks; the class keeps one, and the slots in its recycler pin a few: 40 blocks' worth of the other class needs no call.
        var calls = os.TotalCalls;
        live.AllocMany(40 * 16, 4000);
        Assert.Equal(calls, os.TotalCalls);
        live.CheckAll();
    }

    [Fact]
    public void Small_and_large_blocks_do_not_mix()
    {
        using var os = new SimulatedVirtualMemory();
        using var live = LiveSet.Over(os);
        live.AllocMany(4000, 32);
        live.FreeAll();
        live.Cache.Park();
        var calls = os.Calls(VmVerb.Commit);
        live.Alloc(4000);
        Assert.NotEqual(calls, os.Calls(VmVerb.Commit));
        live.CheckAll();
    }

    private static void DrainRecycler(LiveSet live, int size)
    {
        // Allocating what is cached and parking it brings it home.
        live.AllocMany((int)live.Figures.Classes[ClassOf(size) - 1].CachedSlots, size);
        var other = live.Allocator.CreateCache();
        foreach (var one in live.Live)
        {
            live.Allocator.Free(ref other, (void*)one.Address, (nuint)one.Size);
            other.Park();
        }

        live.FreeWhereForgotten();
        other.Dispose();
    }

    private static int BlocksOf(LiveSet live, int size) => live.Figures.Classes[ClassOf(size) - 1].Blocks;

    private static int ClassOf(int size) => SizeClasses.ClassOf((nuint)size);
}
