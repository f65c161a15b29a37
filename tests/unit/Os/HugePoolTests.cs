using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>The real pool of 2 MiB pages. Run where an administrator configured at least 4 (vm.nr_hugepages) that nobody uses.</summary>
[Collection("The pool of huge pages")] // not at once: its free pages are counted
public sealed unsafe class HugePoolTests
{
    private const nuint Huge = 2 << 20;

    private static VmTable Os => SystemVirtualMemory.Table;

    [FactIfHugePool]
    public void Pages_come_from_the_pool_resident_and_go_back_by_drop_and_by_release()
    {
        var free = Free();
        var start = Reserve(8 * Huge);
        Assert.Equal(VmStatus.Ok, Os.CommitHuge(start + (2 * Huge), 3 * Huge, 21));
        Assert.Equal(free - 3, Free());
        Assert.Equal(3 * Huge, HugePageSupport.ReadResident([new((nuint)start, 8 * Huge)]).PoolBytes);
        new Span<byte>(start + (2 * Huge), (int)(3 * Huge)).Fill(7);
        Assert.False(Pages.IsReadable(start + (2 * Huge) - 1));
        Assert.False(Pages.IsReadable(start + (5 * Huge)));
        Assert.Equal(VmStatus.Ok, Os.Advise(start + (2 * Huge), 3 * Huge, VmAdvice.Populate));

        Assert.Equal(VmStatus.Ok, Os.DropHuge(start + (3 * Huge), Huge));
        Assert.Equal(free - 2, Free());
        Assert.True(Pages.AreMapped(start + (3 * Huge), Huge));
        Assert.False(Pages.IsReadable(start + (3 * Huge)));
        Assert.Equal((7, 7), ((int)start[(3 * Huge) - 1], (int)start[4 * Huge]));
        Assert.Equal(VmStatus.Ok, Os.Release(start, 8 * Huge));
        Assert.Equal(free, Free());
    }

    [FactIfHugePool]
    public void A_pool_that_has_not_enough_refuses_and_leaves_the_reservation_and_the_pool()
    {
        var free = Free();
        var many = (nuint)(free + HugePageSupport.ReadPools()[0].OvercommitPages) + 1;
        var start = Reserve(many * Huge);
        Assert.Equal(VmStatus.CommitRefused, Os.CommitHuge(start, many * Huge, 21));
        Assert.Equal(free, Free());
        Assert.True(Pages.AreMapped(start, Huge));
        Assert.False(Pages.IsReadable(start));
        Assert.Equal(VmStatus.Ok, Os.CommitHuge(start, (nuint)free * Huge, 21));
        Assert.Equal(0u, Free());
        Assert.Equal(VmStatus.CommitRefused, Os.CommitHuge(start + ((many - 1) * Huge), Huge, 21));
        Assert.Equal(VmStatus.Ok, Os.DropHuge(start, (nuint)free * Huge));
        Assert.Equal(free, Free());
        Assert.Equal(VmStatus.Ok, Os.Release(start, many * Huge));
    }

    /// <summary>What the contract forbids is refused by the kernel too, without harm.</summary>
    [FactIfHugePool]
    public void Parts_of_a_huge_page_are_not_dropped_and_none_is_moved_or_purged_lazily()
    {
        var start = Reserve(4 * Huge);
        Assert.Equal(VmStatus.Ok, Os.CommitHuge(start, 2 * Huge, 21));
        new Span<byte>(start, (int)(2 * Huge)).Fill(9);
        Assert.Equal(VmStatus.Invalid, Os.DropHuge(start + 4096, 4096));
        Assert.Equal(VmStatus.NotSupported, Os.MovePages(start, start + (2 * Huge), Huge));
        Assert.Equal(VmStatus.NotSupported, Os.PurgeLazily(start, Huge));
        Assert.False(new Span<byte>(start, (int)(2 * Huge)).ContainsAnyExcept((byte)9));
        Assert.True(Pages.AreMapped(start, 4 * Huge));
        Assert.Equal(VmStatus.Ok, Os.Release(start, 4 * Huge));
    }

    [FactOnLinux]
    public void Where_the_pool_is_empty_nothing_changes()
    {
        var start = Reserve(1 << 30);
        Assert.Equal(VmStatus.Ok, Os.Commit(start, 4096));
        *start = 5;
        if (Free() == 0 && HugePageSupport.ReadPools().All(pool => pool.OvercommitPages == 0))
        {
            var status = Os.CommitHuge(start, Huge, 21);
            Assert.True(status is VmStatus.CommitRefused or VmStatus.NotSupported, $"{status}");
            Assert.Equal(5, *start);
        }

        Assert.Equal(VmStatus.Ok, Os.Release(start, 1 << 30));
    }

    private static ulong Free() => HugePageSupport.ReadPools().FirstOrDefault(pool => pool.PageBytes == Huge).FreePages;

    private static byte* Reserve(nuint bytes)
    {
        void* address;
        Assert.Equal(VmStatus.Ok, Os.Reserve(bytes, Huge, &address));
        return (byte*)address;
    }
}

/// <summary>A fact about the system's pool of 2 MiB pages; skipped where fewer than 4 are free.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfHugePoolAttribute : FactAttribute
{
    public FactIfHugePoolAttribute()
    {
        var free = HugePageSupport.ReadPools().FirstOrDefault(pool => pool.PageBytes == 2 << 20).FreePages;
        if (free < 4)
            Skip = $"the pool of 2 MiB pages has {free} free ones, and 4 are needed: sysctl vm.nr_hugepages=8";
    }
}
