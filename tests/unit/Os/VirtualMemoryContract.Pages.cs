using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <content>The verbs that a system may lack: what they promise where they are, and that nothing changes where they are not.</content>
public abstract unsafe partial class VirtualMemoryContract
{
    [Fact]
    public void Lazily_purged_pages_hold_the_old_contents_or_zero_and_keep_what_is_written_next()
    {
        using var range = new Range(Os, 16 * Page);
        var bytes = range.Committed(range.Bytes);
        bytes.Fill(9);
        var status = Os.PurgeLazily(range.Address + (4 * Page), 8 * Page);
        Assert.True(status is VmStatus.Ok or VmStatus.NotSupported, $"{status}");
        var middle = bytes.Slice((int)(4 * Page), (int)(8 * Page));
        Assert.False(bytes[..(int)(4 * Page)].ContainsAnyExcept((byte)9));
        Assert.False(bytes[(int)(12 * Page)..].ContainsAnyExcept((byte)9));
        for (var page = 0; page < 8; page++)
        {
            var contents = middle.Slice(page * (int)Page, (int)Page);
            Assert.False(contents.ContainsAnyExcept((byte)0, (byte)9));
            if (status != VmStatus.Ok)
                Assert.False(contents.ContainsAnyExcept((byte)9));
        }

        middle.Fill(7);
        Assert.Equal(VmStatus.Ok, Os.Commit(range.Address, range.Bytes));
        Assert.False(middle.ContainsAnyExcept((byte)7));
        _ = Os.PurgeLazily(range.Address, range.Bytes);
        Assert.Equal(VmStatus.Ok, Os.Purge(range.Address, range.Bytes));
        Assert.False(bytes.ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Moved_pages_hold_their_contents_and_the_origin_reads_as_zero()
    {
        using var from = new Range(Os, 32 * Page);
        using var to = new Range(Os, 64 * Page);
        var origin = from.Committed(from.Bytes);
        for (var i = 0; i < origin.Length; i++)
            origin[i] = (byte)(1 + (i % 251));
        var expected = origin.ToArray();

        // The destination: half of it committed, with contents of no value; the rest reserved.
        Assert.Equal(VmStatus.Ok, Os.Commit(to.Address, 16 * Page));
        new Span<byte>(to.Address, (int)(16 * Page)).Fill(200);
        var status = Os.MovePages(from.Address + (4 * Page), to.Address + (8 * Page), 24 * Page);
        if (status != VmStatus.Ok)
        {
            Assert.Equal(VmStatus.NotSupported, status);
            Assert.Equal(expected, origin.ToArray());
            return;
        }

        Assert.Equal(expected[(int)(4 * Page)..(int)(28 * Page)], new Span<byte>(to.Address + (8 * Page), (int)(24 * Page)).ToArray());
        Assert.False(new Span<byte>(to.Address, (int)(8 * Page)).ContainsAnyExcept((byte)200));
        Assert.False(origin.Slice((int)(4 * Page), (int)(24 * Page)).ContainsAnyExcept((byte)0));
        Assert.Equal(expected[..(int)(4 * Page)], origin[..(int)(4 * Page)].ToArray());
        Assert.Equal(expected[(int)(28 * Page)..], origin[(int)(28 * Page)..].ToArray());

        // Every verb works over both whole reservations afterwards.
        origin.Fill(3);
        foreach (var range in new[] { from, to })
        {
            Assert.Equal(VmStatus.Ok, Os.Commit(range.Address, range.Bytes));
            Assert.Equal(VmStatus.Ok, Os.Purge(range.Address, range.Bytes));
            Assert.False(new Span<byte>(range.Address, (int)range.Bytes).ContainsAnyExcept((byte)0));
        }
    }

    [Fact]
    public void Pages_move_within_a_reservation_and_back_again()
    {
        using var range = new Range(Os, 64 * Page);
        Assert.Equal(VmStatus.Ok, Os.Commit(range.Address, 16 * Page));
        for (var round = 1; round <= 20; round++)
        {
            var from = round % 2 == 1 ? range.Address : range.Address + (40 * Page);
            var to = round % 2 == 1 ? range.Address + (40 * Page) : range.Address;
            new Span<byte>(from, (int)(16 * Page)).Fill((byte)round);
            var status = Os.MovePages(from, to, 16 * Page);
            Assert.True(status is VmStatus.Ok or VmStatus.NotSupported, $"{status}");
            if (status != VmStatus.Ok)
                return;
            Assert.False(new Span<byte>(to, (int)(16 * Page)).ContainsAnyExcept((byte)round));
            Assert.False(new Span<byte>(from, (int)(16 * Page)).ContainsAnyExcept((byte)0));
        }
    }

    [Fact]
    public void Moved_or_copied_contents_arrive_whatever_the_system_grants()
    {
        Seeded.Run(6, random =>
        {
            using var from = new Range(Os, 64 * Page);
            using var to = new Range(Os, 64 * Page);
            var origin = from.Committed(from.Bytes);

            // Pieces that moved in from elsewhere are mappings of their own: the whole is refused.
            using var elsewhere = new Range(Os, 64 * Page);
            var other = elsewhere.Committed(elsewhere.Bytes);
            random.NextBytes(origin);
            random.NextBytes(other);
            for (var i = random.Next(4); i > 0; i--)
            {
                var (at, source, pages) = ((nuint)random.Next(48), (nuint)random.Next(48), (nuint)random.Next(1, 16));
                _ = Os.MovePages(elsewhere.Address + (source * Page), from.Address + (at * Page), pages * Page);
                random.NextBytes(new Span<byte>(elsewhere.Address + (source * Page), (int)(pages * Page)));
            }

            Assert.Equal(VmStatus.Ok, Os.Commit(from.Address, from.Bytes));
            var (first, count) = ((nuint)random.Next(32), (nuint)random.Next(1, 32));
            var expected = origin.Slice((int)(first * Page), (int)(count * Page)).ToArray();
            var smallest = Page << random.Next(3);
            Assert.Equal(VmStatus.Ok, PageMover.MoveOrCopy(Os, from.Address + (first * Page), to.Address + Page, count * Page, smallest, out var copied));
            Assert.True(copied <= count * Page);
            Assert.Equal(expected, new Span<byte>(to.Address + Page, (int)(count * Page)).ToArray());
            Assert.Equal(VmStatus.Ok, Os.Commit(to.Address, to.Bytes));
            Assert.False(new Span<byte>(to.Address + ((1 + count) * Page), (int)((63 - count) * Page)).ContainsAnyExcept((byte)0));
        });
    }

    [Theory]
    [InlineData(21, 3)]
    [InlineData(30, 1)]
    public void Huge_pages_are_zero_and_writable_at_once_or_refused_without_change(int shift, int pages)
    {
        var (huge, bytes) = ((nuint)1 << shift, (nuint)(pages + 2) << shift);
        void* start;
        Assert.Equal(VmStatus.Ok, Os.Reserve(bytes, huge, &start));
        var middle = (byte*)start + huge;
        var length = (nuint)pages << shift;

        // Ordinary pages on both sides stay what they are.
        Assert.Equal(VmStatus.Ok, Os.Commit(middle - Page, Page));
        Assert.Equal(VmStatus.Ok, Os.Commit(middle + length, Page));
        (middle[-1], middle[length]) = (5, 6);
        var status = Os.CommitHuge(middle, length, shift);
        if (status == VmStatus.Ok)
        {
            for (nuint at = 0; at < length; at += huge / 4)
            {
                Assert.Equal(0, middle[at]);
                middle[at] = 8;
            }

            Assert.Equal(VmStatus.Ok, Os.Advise(middle, length, VmAdvice.DontFork));
            Assert.Equal(VmStatus.Ok, Os.DropHuge(middle, huge));
            Assert.Equal(VmStatus.Ok, Os.Commit(middle, huge)); // reserved again: ordinary pages now
            Assert.Equal(0, middle[0]);
            if (pages > 1)
            {
                Assert.Equal(8, middle[huge]);
                Assert.Equal(VmStatus.Ok, Os.DropHuge(middle + huge, length - huge));
                Assert.False(OperatingSystem.IsLinux() && Pages.IsReadable(middle + huge));
            }
        }
        else
        {
            Assert.True(status is VmStatus.CommitRefused or VmStatus.NotSupported, $"{status}");
            Assert.False(OperatingSystem.IsLinux() && (!Pages.AreMapped(middle, huge) || Pages.IsReadable(middle)));
            Assert.Equal(VmStatus.Ok, Os.Commit(middle, length));
            middle[length - 1] = 1;
        }

        Assert.Equal((5, 6), ((int)middle[-1], (int)middle[length]));
        Assert.Equal(VmStatus.Ok, Os.Release(start, bytes));
    }

    [Fact]
    public void Arguments_of_the_later_verbs_that_are_no_pages_are_invalid()
    {
        using var range = new Range(Os, 16 * Page);
        using var target = new Range(Os, 16 * Page);
        _ = range.Committed(range.Bytes);
        foreach (var (at, bytes) in new (nuint, nuint)[] { (0, 0), (1, Page), (0, Page - 1), (Page / 2, Page) })
        {
            Assert.Equal(VmStatus.Invalid, Os.PurgeLazily(range.Address + at, bytes));
            Assert.Equal(VmStatus.Invalid, Os.MovePages(range.Address + at, target.Address, bytes));
            Assert.Equal(VmStatus.Invalid, Os.MovePages(range.Address, target.Address + at, at == 0 ? bytes : Page));
            Assert.Equal(VmStatus.Invalid, Os.DropHuge(range.Address + at, bytes));
            Assert.Equal(VmStatus.Invalid, Os.CommitHuge(range.Address + at, bytes, 21));
        }

        Assert.Equal(VmStatus.Invalid, Os.MovePages(range.Address, range.Address + Page, 2 * Page)); // they overlap
        Assert.Equal(VmStatus.Invalid, Os.MovePages(range.Address + Page, range.Address, 2 * Page));
        Assert.Equal(VmStatus.Invalid, Os.MovePages(range.Address, range.Address, Page));
        Assert.Equal(VmStatus.Invalid, Os.CommitHuge(range.Address, 2 << 20, 22)); // no such size
        Assert.Equal(VmStatus.Invalid, Os.CommitHuge(range.Address, Page, 21));
    }
}
