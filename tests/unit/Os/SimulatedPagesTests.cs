using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>What the simulated system models of residency, huge pages and the later verbs.</summary>
public sealed unsafe class SimulatedPagesTests
{
    private const nuint MiB = 1 << 20;
    private const nuint Huge = 2 * MiB;

    [Theory]
    [InlineData(TransparentHugePageMode.Always, null, true)]
    [InlineData(TransparentHugePageMode.Always, VmAdvice.NoHugePages, false)]
    [InlineData(TransparentHugePageMode.Madvise, null, false)]
    [InlineData(TransparentHugePageMode.Madvise, VmAdvice.HugePages, true)]
    [InlineData(TransparentHugePageMode.Never, VmAdvice.HugePages, false)]
    [InlineData(TransparentHugePageMode.Unknown, null, false)]
    public void A_touch_makes_a_page_or_a_huge_page_resident_by_mode_and_advice(TransparentHugePageMode mode, VmAdvice? advice, bool huge)
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = mode });
        var range = Reserve(os, 4 * Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * Huge));
        if (advice is { } asked)
            Assert.Equal(VmStatus.Ok, os.Table.Advise(range, 4 * Huge, asked));
        os.Touch(range + 5000, 1);
        Assert.Equal((huge ? Huge : Page(os), huge ? Huge : 0), ((nuint)os.ResidentBytes, (nuint)os.HugeBytes));
        os.Touch(range, 2 * Huge);
        Assert.Equal((2 * Huge, huge ? 2 * Huge : mode == TransparentHugePageMode.Always && advice is null ? 2 * Huge : 0), ((nuint)os.ResidentBytes, (nuint)os.HugeBytes));
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Only_an_empty_wholly_committed_unit_becomes_huge()
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Always });
        var range = Reserve(os, 4 * Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, Huge + MiB));
        os.Touch(range + Huge, 1); // half committed: small
        Assert.Equal((Page(os), 0u), ((nuint)os.ResidentBytes, (nuint)os.HugeBytes));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * Huge));
        os.Touch(range + Huge, MiB); // not empty: it stays in small pages
        Assert.Equal((MiB, 0u), ((nuint)os.ResidentBytes, (nuint)os.HugeBytes));
        os.Touch(range, 1);
        Assert.Equal((MiB + Huge, Huge), ((nuint)os.ResidentBytes, (nuint)os.HugeBytes));
        Assert.Equal((ulong)(MiB + Huge), os.PeakResidentBytes);
    }

    [Fact]
    public void A_purge_of_a_part_splits_a_huge_page_and_a_release_takes_all()
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Always });
        var range = Reserve(os, 4 * Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 4 * Huge));
        os.Touch(range, 4 * Huge);
        Assert.Equal(4 * Huge, (nuint)os.HugeBytes);
        Assert.Equal(VmStatus.Ok, os.Table.Purge(range + Page(os), Page(os)));
        Assert.Equal(((4 * Huge) - Page(os), 3 * Huge), ((nuint)os.ResidentBytes, (nuint)os.HugeBytes));
        Assert.Equal(VmStatus.Ok, os.Table.Purge(range, 2 * Huge));
        Assert.Equal((2 * Huge, 2 * Huge), ((nuint)os.ResidentBytes, (nuint)os.HugeBytes));
        Assert.Equal(VmStatus.Ok, os.Table.Release(range, 4 * Huge));
        Assert.Equal((0ul, 0ul), (os.ResidentBytes, os.HugeBytes));
        Assert.Equal(4 * (ulong)Huge, os.PeakResidentBytes);
    }

    [Fact]
    public void A_touch_of_what_is_not_committed_is_a_violation()
    {
        using var os = new SimulatedVirtualMemory();
        var range = Reserve(os, Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, MiB));
        os.Touch(range + MiB - 1, 2);
        os.Touch((void*)4096, 1);
        Assert.Equal(2, os.Violations.Count);
        Assert.Equal(0ul, os.ResidentBytes);
    }

    [Fact]
    public void Advice_is_not_supported_where_there_are_no_transparent_huge_pages()
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Unknown });
        var range = Reserve(os, Huge);
        Assert.Equal(VmStatus.NotSupported, os.Table.Advise(range, Huge, VmAdvice.HugePages));
        Assert.Equal(VmStatus.NotSupported, os.Table.Advise(range, Huge, VmAdvice.NoHugePages));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_lazy_purge_takes_all_or_nothing_as_told(bool atOnce)
    {
        using var os = new SimulatedVirtualMemory(new() { LazyPurgeTakesAtOnce = atOnce });
        var range = Reserve(os, Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, Huge));
        new Span<byte>(range, (int)Huge).Fill(6);
        os.Touch(range, Huge);
        Assert.Equal(VmStatus.Ok, os.Table.PurgeLazily(range, MiB));
        Assert.False(new Span<byte>(range, (int)MiB).ContainsAnyExcept(atOnce ? (byte)0 : (byte)6));
        Assert.Equal(atOnce ? MiB : Huge, (nuint)os.ResidentBytes);
        Assert.Equal(atOnce ? MiB : Huge, (nuint)os.BackedBytes);
        Assert.Equal(Huge, (nuint)os.CommittedBytes);
    }

    [Fact]
    public void Pools_give_their_pages_once_and_take_them_back()
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = 3, HugePages1GiB = 0, CapacityBytes = 0 });
        void* start;
        Assert.Equal(VmStatus.Ok, os.Table.Reserve((nuint)2 << 30, 1 << 30, &start));
        var range = (byte*)start;
        Assert.Equal(VmStatus.CommitRefused, os.Table.CommitHuge(range, 1 << 30, 30));
        Assert.Equal(VmStatus.CommitRefused, os.Table.CommitHuge(range, 4 * Huge, 21));
        Assert.Equal(VmStatus.Ok, os.Table.CommitHuge(range, 2 * Huge, 21));
        Assert.Equal(VmStatus.CommitRefused, os.Table.CommitHuge(range + (2 * Huge), 2 * Huge, 21));
        Assert.Equal(VmStatus.Ok, os.Table.CommitHuge(range + (4 * Huge), Huge, 21));
        Assert.Equal((0ul, 3 * (ulong)Huge, 3 * (ulong)Huge), (os.FreeHugePages(21), os.HugeBytes, os.ResidentBytes));
        Assert.Equal((3 * (ulong)Huge, 0ul), (os.CommittedBytes, os.BackedBytes));
        os.Touch(range, 2 * Huge);
        Assert.Equal(3 * (ulong)Huge, os.ResidentBytes);
        Assert.Equal(VmStatus.Ok, os.Table.DropHuge(range + Huge, Huge));
        Assert.Equal((1ul, 2 * (ulong)Huge), (os.FreeHugePages(21), os.CommittedBytes));
        Assert.Equal(VmStatus.Ok, os.Table.Release(range, (nuint)2 << 30));
        Assert.Equal((3ul, 0ul, 0ul), (os.FreeHugePages(21), os.HugeBytes, os.CommittedBytes));
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Without_a_pool_huge_pages_are_not_supported()
    {
        using var os = new SimulatedVirtualMemory();
        var range = Reserve(os, 4 * Huge);
        Assert.Equal(VmStatus.NotSupported, os.Table.CommitHuge(range, Huge, 21));
        Assert.Equal((0ul, 0ul), (os.FreeHugePages(21), os.CommittedBytes));
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Every_breach_of_the_later_verbs_is_recorded_and_changes_nothing()
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = 4 });
        var (table, page) = (os.Table, Page(os));
        var range = Reserve(os, 8 * Huge);
        Assert.Equal(VmStatus.Ok, table.Commit(range, Huge));
        Assert.Equal(VmStatus.Ok, table.CommitHuge(range + (4 * Huge), 2 * Huge, 21));
        var breaches = new Func<VmStatus>[]
        {
            () => table.PurgeLazily(range + Huge, page), // reserved only
            () => table.PurgeLazily(range + (4 * Huge), Huge), // from the pool
            () => table.Purge(range + (4 * Huge), Huge),
            () => table.Commit(range + (4 * Huge), page),
            () => table.MovePages(range + Huge - page, range + (2 * Huge), 2 * page), // half of it reserved only
            () => table.MovePages(range + (4 * Huge), range + (2 * Huge), Huge), // from the pool
            () => table.MovePages(range, range + (4 * Huge), Huge), // onto the pool's
            () => table.MovePages(range, range + page, 2 * page), // they overlap
            () => table.MovePages(range, range + (8 * Huge), page), // beyond the end
            () => table.CommitHuge(range + page, Huge, 21),
            () => table.CommitHuge(range, Huge, 20),
            () => table.CommitHuge(range + (5 * Huge), Huge, 21), // twice
            () => table.DropHuge(range, Huge), // ordinary pages
            () => table.DropHuge(range + (4 * Huge), page), // a part of a page
            () => table.DropHuge(range + (5 * Huge), 2 * Huge), // one from the pool, one not
        };
        for (var i = 0; i < breaches.Length; i++)
        {
            Assert.Equal(VmStatus.Invalid, breaches[i]());
            Assert.Equal(i + 1, os.Violations.Count);
        }

        Assert.Equal((3 * (ulong)Huge, (ulong)Huge, 2ul), (os.CommittedBytes, os.BackedBytes, os.FreeHugePages(21)));
    }

    [Fact]
    public void The_log_has_each_verb_with_its_exact_bytes_and_where_pages_went()
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 10, HugePages2MiB = 1 });
        var range = Reserve(os, 8 * Huge);
        var at = (nuint)range;
        _ = os.Table.Commit(range, MiB);
        os.ResetCounters();
        _ = os.Table.PurgeLazily(range, 3 * Page(os));
        _ = os.Table.MovePages(range, range + Huge, 5 * Page(os));
        _ = os.Table.CommitHuge(range + (2 * Huge), Huge, 21);
        _ = os.Table.CommitHuge(range + (3 * Huge), 2 * Huge, 21);
        _ = os.Table.DropHuge(range + (2 * Huge), Huge);
        Assert.Equal(
            [
                new(VmVerb.PurgeLazily, at, 3 * Page(os), VmStatus.Ok),
                new(VmVerb.MovePages, at, 5 * Page(os), VmStatus.Ok, at + Huge),
                new(VmVerb.CommitHuge, at + (2 * Huge), Huge, VmStatus.Ok),
                new(VmVerb.CommitHuge, at + (3 * Huge), 2 * Huge, VmStatus.CommitRefused),
                new(VmVerb.DropHuge, at + (2 * Huge), Huge, VmStatus.Ok),
            ],
            os.Log);
    }

    [Theory]
    [InlineData(VmVerb.PurgeLazily, VmStatus.NotSupported)]
    [InlineData(VmVerb.MovePages, VmStatus.NotSupported)]
    [InlineData(VmVerb.CommitHuge, VmStatus.CommitRefused)]
    [InlineData(VmVerb.DropHuge, VmStatus.TooManyMappings)]
    public void A_denied_call_changes_neither_books_nor_contents(VmVerb verb, VmStatus expected)
    {
        using var os = new SimulatedVirtualMemory(new() { HugePages2MiB = 2, LazyPurgeTakesAtOnce = true });
        var range = Reserve(os, 8 * Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, Huge));
        Assert.Equal(VmStatus.Ok, os.Table.CommitHuge(range + (4 * Huge), Huge, 21));
        new Span<byte>(range, (int)Huge).Fill(4);
        new Span<byte>(range + (4 * Huge), (int)Huge).Fill(5);
        os.Touch(range, Huge);
        var before = Books();
        Func<VmStatus> call = verb switch
        {
            VmVerb.PurgeLazily => () => os.Table.PurgeLazily(range, Huge),
            VmVerb.MovePages => () => os.Table.MovePages(range, range + (2 * Huge), Huge),
            VmVerb.CommitHuge => () => os.Table.CommitHuge(range + (2 * Huge), Huge, 21),
            _ => () => os.Table.DropHuge(range + (4 * Huge), Huge),
        };
        os.FailAt(verb, 1);
        Assert.Equal(expected, call());
        Assert.Equal(before, Books());
        Assert.False(new Span<byte>(range, (int)Huge).ContainsAnyExcept((byte)4));
        Assert.False(new Span<byte>(range + (4 * Huge), (int)Huge).ContainsAnyExcept((byte)5));
        Assert.Equal(VmStatus.Ok, call()); // the control: granted, it does change the books
        Assert.NotEqual(before, Books());
        Assert.Empty(os.Violations);

        (ulong, ulong, ulong, ulong, ulong) Books() => (os.CommittedBytes, os.BackedBytes, os.ResidentBytes, os.HugeBytes, os.FreeHugePages(21));
    }

    [Fact]
    public void Moved_pages_take_residency_and_capacity_along()
    {
        using var os = new SimulatedVirtualMemory(new() { TransparentHugePages = TransparentHugePageMode.Always, CapacityBytes = 4 * Huge });
        var range = Reserve(os, 16 * Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 4 * Huge));
        os.Touch(range, 3 * Huge);
        Assert.Equal(VmStatus.Ok, os.Table.MovePages(range, range + (8 * Huge), 4 * Huge));
        Assert.Equal((3 * (ulong)Huge, 3 * (ulong)Huge), (os.ResidentBytes, os.HugeBytes));
        Assert.Equal((4 * (ulong)Huge, 8 * (ulong)Huge), (os.BackedBytes, os.CommittedBytes));
        os.Touch(range, 1);
        Assert.Equal(4 * (ulong)Huge, os.HugeBytes);
        Assert.Equal(VmStatus.CommitRefused, os.Table.Commit(range, Huge));

        // Another offset in 2 MiB: huge pages become small ones.
        Assert.Equal(VmStatus.Ok, os.Table.MovePages(range + (8 * Huge), range + (4 * Huge) + MiB, 3 * Huge));
        Assert.Equal((4 * (ulong)Huge, (ulong)Huge), (os.ResidentBytes, os.HugeBytes));
    }

    [Fact]
    public void Under_a_commit_limit_a_move_is_charged_and_may_be_refused()
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 3 * Huge, PurgeFreesCapacity = false });
        var range = Reserve(os, 16 * Huge);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * Huge));
        *range = 9;
        Assert.Equal(VmStatus.CommitRefused, os.Table.MovePages(range, range + (8 * Huge), 2 * Huge));
        Assert.Equal((9, 2 * (ulong)Huge), (*range, os.CommittedBytes));
        Assert.Equal(VmStatus.Ok, os.Table.MovePages(range, range + (8 * Huge), Huge));
        Assert.Equal((9, 3 * (ulong)Huge), (range[8 * Huge], os.CommittedBytes));
    }

    /// <summary>Which call of the mover is refused makes no difference to the contents: all at one end.</summary>
    [Fact]
    public void Whatever_is_refused_of_a_move_in_pieces_the_contents_are_whole()
    {
        var (ok, refused, copies) = (0, 0, 0);
        for (var moves = 1; moves <= 9; moves++)
        {
            for (var commits = 1; commits <= 9; commits++)
            {
                using var os = new SimulatedVirtualMemory();
                var range = Reserve(os, 16 * Huge);
                var bytes = 8 * Page(os);
                Assert.Equal(VmStatus.Ok, os.Table.Commit(range, bytes));
                new Random(moves).NextBytes(new Span<byte>(range, (int)bytes));
                var expected = new Span<byte>(range, (int)bytes).ToArray();
                os.FailEvery(VmVerb.MovePages, moves);
                os.FailAt(VmVerb.Commit, commits);
                var status = PageMover.MoveOrCopy(os.Table, range, range + Huge, bytes, Page(os), out var copied);
                Assert.Equal(expected, new Span<byte>(status == VmStatus.Ok ? range + Huge : range, (int)bytes).ToArray());
                Assert.True(status is VmStatus.Ok or VmStatus.CommitRefused);
                ok += status == VmStatus.Ok ? 1 : 0;
                refused += status == VmStatus.Ok ? 0 : 1;
                copies += copied != 0 ? 1 : 0;
                Assert.Empty(os.Violations);
            }
        }

        Assert.True(ok > 10 && refused > 10 && copies > 5, $"{ok} {refused} {copies}");
    }

    [Fact]
    public void An_implementation_without_the_later_verbs_answers_not_supported()
    {
        var table = VmTable.Of<Plain>(null);
        Assert.Equal(VmStatus.NotSupported, table.PurgeRanges(null, 0));
        Assert.Equal(VmStatus.NotSupported, table.PurgeLazily(null, 4096));
        Assert.Equal(VmStatus.NotSupported, table.MovePages(null, null, 4096));
        Assert.Equal(VmStatus.NotSupported, table.CommitHuge(null, Huge, 21));
        Assert.Equal(VmStatus.NotSupported, table.DropHuge(null, Huge));
    }

    private static nuint Page(SimulatedVirtualMemory os) => os.Table.PageSize();

    private static byte* Reserve(SimulatedVirtualMemory os, nuint bytes)
    {
        void* address;
        Assert.Equal(VmStatus.Ok, os.Table.Reserve(bytes, Huge, &address));
        return (byte*)address;
    }

    private readonly struct Plain : IVirtualMemory
    {
        public static nuint PageSize(void* context) => 4096;

        public static VmStatus Reserve(void* context, nuint bytes, nuint alignment, void** address) => VmStatus.Ok;

        public static VmStatus Commit(void* context, void* address, nuint bytes) => VmStatus.Ok;

        public static VmStatus Purge(void* context, void* address, nuint bytes) => VmStatus.Ok;

        public static VmStatus Release(void* context, void* address, nuint bytes) => VmStatus.Ok;

        public static VmStatus Advise(void* context, void* address, nuint bytes, VmAdvice advice) => VmStatus.Ok;

        public static int NodeCount(void* context) => 1;
    }
}
