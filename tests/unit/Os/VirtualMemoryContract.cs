using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>What every implementation promises. A class per implementation inherits these tests.</summary>
public abstract unsafe partial class VirtualMemoryContract
{
    private const nuint MiB = 1 << 20;

    internal abstract VmTable Os { get; }

    private nuint Page => Os.PageSize();

    [Fact]
    public void Page_size_is_a_power_of_two_of_at_least_4_KiB()
    {
        Assert.True(Page >= 4096 && (Page & (Page - 1)) == 0, $"{Page}");
        Assert.True(Os.NodeCount() >= 1);
    }

    public static TheoryData<long, long> SizesAndAlignments()
    {
        var data = new TheoryData<long, long>();
        foreach (var bytes in new[] { 64L << 10, 2 << 20, 1 << 30, 16L << 30 })
            foreach (var alignment in new[] { 64L << 10, 2 << 20, 32 << 20, 1 << 30 })
                data.Add(bytes, alignment);
        return data;
    }

    [Theory]
    [MemberData(nameof(SizesAndAlignments))]
    public void Reservations_have_the_alignment_asked_for_and_release_whole(long bytes, long alignment)
    {
        void* address;
        Assert.Equal(VmStatus.Ok, Os.Reserve((nuint)bytes, (nuint)alignment, &address));
        Assert.Equal(0u, (nuint)address & ((nuint)alignment - 1));
        Assert.Equal(VmStatus.Ok, Os.Commit((byte*)address + bytes - Page, Page));
        ((byte*)address)[bytes - 1] = 1;
        Assert.Equal(VmStatus.Ok, Os.Release(address, (nuint)bytes));
    }

    /// <summary>A page reserved in between moves the next free address by one page: every offset from the alignment comes up, the worst included.</summary>
    [Fact]
    public void Alignment_holds_from_every_starting_offset()
    {
        var alignment = 32 * Page;
        var held = new List<(nint Address, nuint Bytes)>();
        for (nuint i = 0; i < 64; i++)
        {
            void* spacer;
            void* address;
            Assert.Equal(VmStatus.Ok, Os.Reserve(Page * (1 + (i % 3)), Page, &spacer));
            Assert.Equal(VmStatus.Ok, Os.Reserve(Page * (1 + i), alignment, &address));
            Assert.Equal(0u, (nuint)address & (alignment - 1));
            held.Add(((nint)spacer, Page * (1 + (i % 3))));
            held.Add(((nint)address, Page * (1 + i)));
        }

        Assert.All(held.Order().Zip(held.Order().Skip(1)), pair => Assert.True((nuint)pair.First.Address + pair.First.Bytes <= (nuint)pair.Second.Address));
        foreach (var (address, bytes) in held)
            Assert.Equal(VmStatus.Ok, Os.Release((void*)address, bytes));
    }

    [Fact]
    public void Committed_pages_read_as_zero_and_keep_contents_over_repeated_commits()
    {
        using var range = new Range(Os, 4 * MiB);
        var bytes = range.Committed(range.Bytes);
        Assert.False(bytes.ContainsAnyExcept((byte)0));
        bytes.Fill(0xA5);
        Assert.Equal(VmStatus.Ok, Os.Commit(range.Address, range.Bytes));
        Assert.Equal(VmStatus.Ok, Os.Commit(range.Address + MiB, MiB));
        Assert.False(bytes.ContainsAnyExcept((byte)0xA5));
    }

    [Fact]
    public void A_commit_that_overlaps_committed_and_reserved_pages_keeps_the_one_and_zeroes_the_other()
    {
        using var range = new Range(Os, 16 * Page);
        new Span<byte>(range.Address, range.Committed(8 * Page).Length).Fill(7);
        Assert.Equal(VmStatus.Ok, Os.Commit(range.Address + (4 * Page), 12 * Page));
        Assert.False(new Span<byte>(range.Address, (int)(8 * Page)).ContainsAnyExcept((byte)7));
        Assert.False(new Span<byte>(range.Address + (8 * Page), (int)(8 * Page)).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Purged_pages_read_as_zero_and_stay_writable_and_neighbours_keep_contents()
    {
        using var range = new Range(Os, 16 * Page);
        var bytes = range.Committed(range.Bytes);
        bytes.Fill(9);
        Assert.Equal(VmStatus.Ok, Os.Purge(range.Address + (4 * Page), 8 * Page));
        Assert.False(bytes.Slice((int)(4 * Page), (int)(8 * Page)).ContainsAnyExcept((byte)0));
        Assert.False(bytes[..(int)(4 * Page)].ContainsAnyExcept((byte)9));
        Assert.False(bytes[(int)(12 * Page)..].ContainsAnyExcept((byte)9));
        bytes.Fill(11);
        Assert.Equal(VmStatus.Ok, Os.Purge(range.Address, range.Bytes));
        Assert.Equal(VmStatus.Ok, Os.Purge(range.Address, range.Bytes));
        Assert.Equal(VmStatus.Ok, Os.Commit(range.Address, range.Bytes));
        Assert.False(bytes.ContainsAnyExcept((byte)0));
    }

    [FactOnLinux]
    public void Purge_gives_the_memory_back()
    {
        using var range = new Range(Os, 16 * MiB);
        range.Committed(range.Bytes).Fill(1);
        Assert.Equal(range.Bytes, Pages.ResidentBytes(range.Address, range.Bytes));
        Assert.Equal(VmStatus.Ok, Os.Purge(range.Address, range.Bytes));
        Assert.Equal(0u, Pages.ResidentBytes(range.Address, range.Bytes));
    }

    [Fact]
    public void Ranges_are_purged_by_one_call_or_left_for_single_ones()
    {
        using var range = new Range(Os, 64 * Page);
        var bytes = range.Committed(range.Bytes);
        bytes.Fill(7);
        var start = (nuint)range.Address;
        VmRange* ranges = stackalloc VmRange[3] { new(start + (2 * Page), Page), new(start + (8 * Page), 4 * Page), new(start + (40 * Page), 16 * Page) };
        var status = Os.PurgeRanges(ranges, 3);
        Assert.True(status is VmStatus.Ok or VmStatus.NotSupported, $"{status}");
        for (var page = 0; page < 64; page++)
        {
            var isInside = page is 2 or (>= 8 and < 12) or (>= 40 and < 56);
            var contents = bytes.Slice(page * (int)Page, (int)Page);
            if (!isInside || status == VmStatus.Ok)
                Assert.False(contents.ContainsAnyExcept(isInside ? (byte)0 : (byte)7));
        }
    }

    [FactOnLinux]
    public void Reserved_pages_have_no_access_and_released_ones_are_unmapped()
    {
        void* address;
        Assert.Equal(VmStatus.Ok, Os.Reserve(4 * MiB, 4 * MiB, &address));
        Assert.True(Pages.AreMapped(address, 4 * MiB));
        Assert.False(Pages.IsReadable(address));
        Assert.Equal(VmStatus.Ok, Os.Commit(address, Page));
        Assert.True(Pages.IsReadable(address));
        Assert.False(Pages.IsReadable((byte*)address + Page));
        Assert.Equal(VmStatus.Ok, Os.Release(address, 4 * MiB));
        Assert.False(Pages.IsReadable(address));
    }

    [Fact]
    public void A_reservation_beyond_every_address_space_is_refused_as_exhausted()
    {
        foreach (var bytes in new[] { (nuint)1 << 60, (nuint)1 << 63, nuint.MaxValue - Page + 1 })
        {
            var address = (void*)1;
            Assert.Equal(VmStatus.AddressSpaceExhausted, Os.Reserve(bytes, Page, &address));
            Assert.True(address == null);
            Assert.Equal(VmStatus.AddressSpaceExhausted, Os.Reserve(bytes, (nuint)1 << 30, &address));
            Assert.True(address == null);
        }
    }

    [Fact]
    public void Arguments_that_are_no_pages_are_invalid()
    {
        using var range = new Range(Os, 16 * Page);
        void* address;
        Assert.Equal(VmStatus.Invalid, Os.Reserve(0, Page, &address));
        Assert.Equal(VmStatus.Invalid, Os.Reserve(Page + 1, Page, &address));
        Assert.Equal(VmStatus.Invalid, Os.Reserve(Page, Page / 2, &address));
        Assert.Equal(VmStatus.Invalid, Os.Reserve(Page, 3 * Page, &address));
        Assert.Equal(VmStatus.Invalid, Os.Reserve(Page, 0, &address));
        foreach (var (at, bytes) in new (nuint, nuint)[] { (0, 0), (1, Page), (0, Page - 1), (Page / 2, Page) })
        {
            Assert.Equal(VmStatus.Invalid, Os.Commit(range.Address + at, bytes));
            Assert.Equal(VmStatus.Invalid, Os.Purge(range.Address + at, bytes));
            Assert.Equal(VmStatus.Invalid, Os.Release(range.Address + at, bytes));
            Assert.Equal(VmStatus.Invalid, Os.Advise(range.Address + at, bytes, VmAdvice.HugePages));
        }
    }

    [Theory]
    [InlineData(VmAdvice.HugePages)]
    [InlineData(VmAdvice.NoHugePages)]
    [InlineData(VmAdvice.Populate)]
    [InlineData(VmAdvice.DontFork)]
    public void Advice_is_taken_or_not_supported_and_changes_no_contents(VmAdvice advice)
    {
        using var range = new Range(Os, 4 * MiB);
        var bytes = range.Committed(range.Bytes);
        bytes[..(int)MiB].Fill(3);
        var status = Os.Advise(range.Address, range.Bytes, advice);
        Assert.True(status is VmStatus.Ok or VmStatus.NotSupported, $"{status}");
        Assert.False(bytes[..(int)MiB].ContainsAnyExcept((byte)3));
        Assert.False(bytes[(int)MiB..].ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Two_threads_commit_and_purge_disjoint_ranges_and_commit_overlapping_ones()
    {
        using var range = new Range(Os, 8 * MiB);
        var (start, half, failures) = ((nint)range.Address, range.Bytes / 2, 0);
        var threads = Enumerable.Range(0, 2).Select(k => new Thread(() =>
        {
            var mine = (byte*)start + ((nuint)k * half);
            for (var round = 0; round < 50; round++)
            {
                var ok = Os.Commit((void*)start, 2 * half) == VmStatus.Ok;
                for (nuint at = 0; at < half; at += Page)
                    mine[at] = (byte)(k + 1);
                ok &= Os.Purge(mine, half / 2) == VmStatus.Ok && mine[0] == 0 && mine[half - Page] == k + 1;
                failures += ok ? 0 : 1;
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal(0, failures);
    }

    /// <summary>A reservation that is released at the end of a test.</summary>
    internal sealed class Range : IDisposable
    {
        private readonly VmTable _os;

        public Range(VmTable os, nuint bytes)
        {
            void* address;
            (_os, Bytes) = (os, bytes);
            Assert.Equal(VmStatus.Ok, os.Reserve(bytes, os.PageSize(), &address));
            Address = (byte*)address;
        }

        public byte* Address { get; }

        public nuint Bytes { get; }

        public Span<byte> Committed(nuint bytes)
        {
            Assert.Equal(VmStatus.Ok, _os.Commit(Address, bytes));
            return new Span<byte>(Address, (int)bytes);
        }

        public void Dispose() => Assert.Equal(VmStatus.Ok, _os.Release(Address, Bytes));
    }
}
