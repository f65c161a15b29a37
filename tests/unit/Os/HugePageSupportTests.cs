using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>What the kernel says of huge pages, from trees of files and from this system.</summary>
public sealed unsafe class HugePageSupportTests
{
    private const nuint MiB = 1 << 20;

    private const string Smaps = """
        100000-300000 rw-p 00000000 00:00 0
        Size:               2048 kB
        Rss:                2048 kB
        AnonHugePages:      2048 kB
        Private_Hugetlb:       0 kB
        VmFlags: rd wr mr mw me ac hg
        300000-900000 rw-p 00000000 00:00 0    [anon: a name]
        Rss:                6000 kB
        AnonHugePages:      4096 kB
        Private_Hugetlb:       0 kB
        7f0000000000-7f0000400000 rw-p 00000000 00:0f 1    /anon_hugepage (deleted)
        Rss:                   0 kB
        AnonHugePages:         0 kB
        Private_Hugetlb:    4096 kB
        """;

    [Theory]
    [InlineData("[always] madvise never", TransparentHugePageMode.Always)]
    [InlineData("always [madvise] never\n", TransparentHugePageMode.Madvise)]
    [InlineData("always madvise [never]", TransparentHugePageMode.Never)]
    [InlineData("always madvise never", TransparentHugePageMode.Unknown)]
    [InlineData("[sometimes]", TransparentHugePageMode.Unknown)]
    [InlineData("]always[", TransparentHugePageMode.Unknown)]
    [InlineData("", TransparentHugePageMode.Unknown)]
    public void The_mode_is_the_word_in_brackets(string text, TransparentHugePageMode expected)
    {
        using var tree = new WrittenTree(("/sys/kernel/mm/transparent_hugepage/enabled", text));
        Assert.Equal(expected, HugePageSupport.ReadMode(tree.Root));
    }

    [Fact]
    public void Without_files_nothing_is_known()
    {
        using var tree = new WrittenTree();
        Assert.Equal(TransparentHugePageMode.Unknown, HugePageSupport.ReadMode(tree.Root));
        Assert.Empty(HugePageSupport.ReadPools(tree.Root));
        Assert.Equal(default, HugePageSupport.ReadResident([new(0, 1 << 30)], tree.Root));
    }

    [Fact]
    public void Pools_are_read_by_size_and_what_is_damaged_counts_as_none()
    {
        using var tree = new WrittenTree(
            ("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "12\n"),
            ("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "7\n"),
            ("/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages", "2\n"),
            ("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages", "5\n"),
            ("/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "x\n"),
            ("/sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages", "1\n"),
            ("/sys/kernel/mm/hugepages/hugepages-kB/nr_hugepages", "1\n"),
            ("/sys/kernel/mm/hugepages/hugepages--4kB/nr_hugepages", "1\n"),
            ("/sys/kernel/mm/hugepages/hugepages-99999999999999999999kB/nr_hugepages", "1\n"),
            ("/sys/kernel/mm/hugepages/other/nr_hugepages", "1\n"));
        Assert.Equal([new HugePool(2 << 20, 12, 7, 2, 5), new HugePool(1 << 30, 0, 1, 0, 0)], HugePageSupport.ReadPools(tree.Root));
    }

    [Fact]
    public void Residency_counts_the_mappings_of_the_ranges_and_of_a_part_no_more_than_its_size()
    {
        using var tree = new WrittenTree(("/proc/self/smaps", Smaps));
        HugeResidency Of(params VmRange[] ranges) => HugePageSupport.ReadResident(ranges, tree.Root);
        Assert.Equal(new HugeResidency(2048 << 10, 2048 << 10, 0), Of(new VmRange(0x100000, 0x200000)));
        Assert.Equal(new HugeResidency((2048 + 6000) << 10, (2048 + 4096) << 10, 4096 << 10), Of(new VmRange(0, nuint.MaxValue)));
        Assert.Equal(new HugeResidency(3 << 20, 3 << 20, 0), Of(new VmRange(0x200000, 0x300000))); // 1 MiB of the first, 2 of the second
        Assert.Equal(new HugeResidency(2 << 20, 2 << 20, 0), Of(new VmRange(0x300000, 0x100000), new VmRange(0x500000, 0x100000)));
        Assert.Equal(new HugeResidency(0, 0, 2 << 20), Of(new VmRange(unchecked((nuint)0x7f0000200000ul), 0x200000)));
        Assert.Equal(default, Of(new VmRange(0x900000, 0x100000)));
        Assert.Equal(default, Of());
    }

    [FactIfTransparentHugePages]
    public void Huge_pages_of_this_process_are_seen_and_not_seen_where_they_were_declined()
    {
        var os = SystemVirtualMemory.Table;
        foreach (var advice in new[] { VmAdvice.HugePages, VmAdvice.NoHugePages })
        {
            void* start;
            Assert.Equal(VmStatus.Ok, os.Reserve(32 * MiB, 2 * MiB, &start));
            Assert.Equal(VmStatus.Ok, os.Commit(start, 16 * MiB));
            Assert.Equal(VmStatus.Ok, os.Advise(start, 16 * MiB, advice));
            for (nuint at = 0; at < 16 * MiB; at += 4096)
                ((byte*)start)[at] = 1;
            var found = HugePageSupport.ReadResident([new((nuint)start, 32 * MiB)]);
            Assert.Equal(16 * MiB, found.ResidentBytes);
            if (advice == VmAdvice.HugePages)
                Assert.InRange(found.TransparentBytes, 2 * MiB, 16 * MiB); // fewer than all where memory is in pieces
            else
                Assert.Equal(0u, found.TransparentBytes);
            Assert.Equal(VmStatus.Ok, os.Release(start, 32 * MiB));
        }
    }

    /// <summary>A move of aligned ranges takes huge pages along whole.</summary>
    [FactIfTransparentHugePages]
    public void Moved_huge_pages_stay_huge()
    {
        var os = SystemVirtualMemory.Table;
        void* from;
        void* to;
        Assert.Equal((VmStatus.Ok, VmStatus.Ok), (os.Reserve(16 * MiB, 2 * MiB, &from), os.Reserve(16 * MiB, 2 * MiB, &to)));
        Assert.Equal(VmStatus.Ok, os.Commit(from, 16 * MiB));
        Assert.Equal(VmStatus.Ok, os.Advise(from, 16 * MiB, VmAdvice.HugePages));
        new Span<byte>(from, (int)(16 * MiB)).Fill(1);
        var before = HugePageSupport.ReadResident([new((nuint)from, 16 * MiB)]).TransparentBytes;
        if (os.MovePages(from, to, 16 * MiB) == VmStatus.Ok)
        {
            Assert.Equal(before, HugePageSupport.ReadResident([new((nuint)to, 16 * MiB)]).TransparentBytes);
            Assert.Equal(0u, HugePageSupport.ReadResident([new((nuint)from, 16 * MiB)]).ResidentBytes);
        }

        Assert.Equal((VmStatus.Ok, VmStatus.Ok), (os.Release(from, 16 * MiB), os.Release(to, 16 * MiB)));
    }

    [FactOnLinux]
    public void Populate_over_reserved_pages_is_not_supported_and_changes_no_contents()
    {
        var os = SystemVirtualMemory.Table;
        using var range = new VirtualMemoryContract.Range(os, 4 * MiB);
        range.Committed(2 * MiB)[..(int)MiB].Fill(4);
        Assert.Equal(VmStatus.NotSupported, os.Advise(range.Address, 4 * MiB, VmAdvice.Populate));
        Assert.False(Pages.IsReadable(range.Address + (2 * MiB)));
        Assert.False(new Span<byte>(range.Address, (int)MiB).ContainsAnyExcept((byte)4));
        Assert.False(new Span<byte>(range.Address + MiB, (int)MiB).ContainsAnyExcept((byte)0));
        Assert.Equal(VmStatus.NotSupported, os.Advise(range.Address + (2 * MiB), MiB, VmAdvice.Populate));
    }

    /// <summary>What the kernel answers to advice it was built without.</summary>
    [Fact]
    public void Advice_that_the_kernel_does_not_know_is_reported()
    {
        Assert.Equal(VmStatus.NotSupported, LinuxErrors.OfAdvice(LinuxErrors.EINVAL));
        Assert.Equal(VmStatus.NotSupported, LinuxErrors.OfAdvice(14));
        Assert.Equal(VmStatus.Ok, LinuxErrors.OfAdvice(0));
        if (OperatingSystem.IsLinux() && HugePageSupport.ReadMode() == TransparentHugePageMode.Unknown)
        {
            using var range = new VirtualMemoryContract.Range(SystemVirtualMemory.Table, 4 * MiB);
            Assert.Equal(VmStatus.NotSupported, SystemVirtualMemory.Table.Advise(range.Address, 4 * MiB, VmAdvice.HugePages));
        }
    }
}

/// <summary>A fact about transparent huge pages; skipped where this system gives none on advice.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FactIfTransparentHugePagesAttribute : FactAttribute
{
    public FactIfTransparentHugePagesAttribute()
    {
        var mode = HugePageSupport.ReadMode();
        if (mode is not (TransparentHugePageMode.Always or TransparentHugePageMode.Madvise))
            Skip = $"the mode of transparent huge pages is {mode}";
    }
}
