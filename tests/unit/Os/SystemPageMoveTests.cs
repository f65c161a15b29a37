using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>What only the real system shows of moved pages, and of refused moves.</summary>
[Collection("The pool of huge pages")] // not at once: its free pages are counted
public sealed unsafe class SystemPageMoveTests
{
    private const nuint MiB = 1 << 20;

    private static VmTable Os => SystemVirtualMemory.Table;

    [FactOnLinux]
    public void A_move_takes_the_memory_along_and_leaves_none_behind()
    {
        using var from = new VirtualMemoryContract.Range(Os, 8 * MiB);
        using var to = new VirtualMemoryContract.Range(Os, 8 * MiB);
        from.Committed(8 * MiB).Fill(1);
        if (Os.MovePages(from.Address, to.Address, 8 * MiB) != VmStatus.Ok)
            return; // before Linux 5.7
        Assert.Equal((0u, 8 * MiB), (Pages.ResidentBytes(from.Address, 8 * MiB), Pages.ResidentBytes(to.Address, 8 * MiB)));
        from.Address[0] = 1;
        Assert.Equal(Os.PageSize(), Pages.ResidentBytes(from.Address, MiB));
    }

    /// <summary>Two mappings: the kernel would move the first and stop, or move both, or leave a hole, each by its version. Here it is refused and nothing changed.</summary>
    [FactOnLinux]
    public void A_range_over_two_mappings_is_refused_and_nothing_changed()
    {
        using var from = new VirtualMemoryContract.Range(Os, 8 * MiB);
        using var to = new VirtualMemoryContract.Range(Os, 8 * MiB);
        from.Committed(4 * MiB).Fill(3);
        Assert.Equal(VmStatus.NotSupported, Os.MovePages(from.Address + (2 * MiB), to.Address, 4 * MiB)); // half of it is reserved only
        Assert.False(new Span<byte>(from.Address, (int)(4 * MiB)).ContainsAnyExcept((byte)3));
        Assert.False(Pages.IsReadable(from.Address + (4 * MiB)));
        Assert.True(Pages.AreMapped(to.Address, 8 * MiB));
        Assert.False(Pages.IsReadable(to.Address));

        // The same by advice, which is kept by mapping.
        Assert.Equal(VmStatus.Ok, Os.Commit(from.Address, 8 * MiB));
        Assert.Equal(VmStatus.Ok, Os.Advise(from.Address + (4 * MiB), 4 * MiB, VmAdvice.DontFork));
        new Span<byte>(from.Address, (int)(8 * MiB)).Fill(4);
        Assert.Equal(VmStatus.NotSupported, Os.MovePages(from.Address, to.Address, 8 * MiB));
        Assert.False(new Span<byte>(from.Address, (int)(8 * MiB)).ContainsAnyExcept((byte)4));
        Assert.True(Pages.AreMapped(to.Address, 8 * MiB));

        // By halves it goes without a copy.
        var status = PageMover.MoveOrCopy(Os, from.Address, to.Address, 8 * MiB, MiB, out var copied);
        Assert.Equal((VmStatus.Ok, 0u), (status, copied));
        Assert.False(new Span<byte>(to.Address, (int)(8 * MiB)).ContainsAnyExcept((byte)4));
    }

    [FactOnLinux]
    public void A_range_with_a_hole_is_refused_and_nothing_changed()
    {
        using var to = new VirtualMemoryContract.Range(Os, 4 * MiB);
        void* gone;
        Assert.Equal(VmStatus.Ok, Os.Reserve(MiB, MiB, &gone));
        Assert.Equal(VmStatus.Ok, Os.Release(gone, MiB));
        var status = Os.MovePages(gone, to.Address, MiB);
        Assert.NotEqual(VmStatus.Ok, status);
        Assert.True(Pages.AreMapped(to.Address, 4 * MiB));
    }

    [FactOnLinux]
    public void Moves_to_and_fro_take_a_bounded_number_of_mappings()
    {
        using var a = new VirtualMemoryContract.Range(Os, 64 * MiB);
        using var b = new VirtualMemoryContract.Range(Os, 64 * MiB);
        Assert.Equal(VmStatus.Ok, Os.Commit(a.Address, 64 * MiB));
        var before = Mappings();
        var random = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var (x, y) = ((nuint)random.Next(32) * 2 * MiB, (nuint)random.Next(32) * 2 * MiB);
            var from = (i % 2 == 0 ? a : b).Address + x;
            var to = (i % 2 == 0 ? b : a).Address + y;
            Assert.Equal(VmStatus.Ok, Os.Commit(from, 2 * MiB));
            (from[0], from[(2 * MiB) - 1]) = ((byte)i, (byte)(i >> 8));
            Assert.Equal(VmStatus.Ok, PageMover.MoveOrCopy(Os, from, to, 2 * MiB, 2 * MiB, out _));
            Assert.Equal(((byte)i, (byte)(i >> 8)), (to[0], to[(2 * MiB) - 1]));
        }

        // At most a mapping for each piece of 2 MiB in either range; the rest is the runtime's.
        Assert.InRange(Mappings() - before, int.MinValue, 64 + 64);
        foreach (var range in new[] { a, b })
        {
            Assert.Equal(VmStatus.Ok, Os.Commit(range.Address, range.Bytes));
            Assert.Equal(VmStatus.Ok, Os.Purge(range.Address, range.Bytes));
            Assert.Equal(0u, Pages.ResidentBytes(range.Address, range.Bytes));
        }
    }

    [FactOnLinux]
    public void What_was_moved_between_is_put_back_whole()
    {
        foreach (var bytes in new[] { 4096u, 2 * MiB, (5 * MiB) + 4096 })
        {
            void* between;
            using var from = new VirtualMemoryContract.Range(Os, bytes);
            var origin = from.Committed(bytes);
            Assert.Equal(VmStatus.Ok, Os.Reserve(bytes, 4096, &between));
            Assert.Equal(VmStatus.Ok, Os.Commit(between, bytes));
            var moved = new Span<byte>(between, (int)bytes);
            new Random(5).NextBytes(moved);
            var expected = moved.ToArray();
            LinuxPageMoves.PutBack(between, from.Address, bytes);
            Assert.Equal(expected, origin.ToArray());
            Assert.False(Pages.AreMapped(between, bytes));
        }
    }

    /// <summary>What a refused call of the kernel may leave behind, and what is done about it.</summary>
    [FactOnLinux]
    public void A_hole_is_mended_and_what_is_mapped_is_not_touched()
    {
        using var range = new VirtualMemoryContract.Range(Os, 4 * MiB);
        range.Committed(4 * MiB).Fill(6);
        LinuxPageMoves.Mend(range.Address, 4 * MiB);
        Assert.False(new Span<byte>(range.Address, (int)(4 * MiB)).ContainsAnyExcept((byte)6));
        Assert.Equal(0, LinuxCalls.Unmap(range.Address, 4 * MiB));
        Assert.False(Pages.AreMapped(range.Address, 4 * MiB));
        LinuxPageMoves.Mend(range.Address, 4 * MiB);
        Assert.True(Pages.AreMapped(range.Address, 4 * MiB));
        Assert.False(Pages.IsReadable(range.Address));
    }

    [FactOnLinux]
    public void A_move_that_a_limit_on_data_refuses_leaves_contents_and_no_hole() =>
        Assert.Equal((0, "CommitRefused, contents kept, destination mapped"), ChildProgram.Run(typeof(LinuxMoveScenarios), nameof(LinuxMoveScenarios.MoveBeyondLimit), "-d 1500000"));

    /// <summary>The control: one call with a fixed address, under the same limit, leaves the destination unmapped.</summary>
    [FactOnLinux]
    public void The_same_move_by_one_fixed_call_leaves_a_hole() =>
        Assert.Equal((0, "refused, destination unmapped"), ChildProgram.Run(typeof(LinuxMoveScenarios), nameof(LinuxMoveScenarios.OneStepBeyondLimit), "-d 1500000"));

    [FactIfMappingsAreFew]
    public void A_move_without_mappings_to_spare_is_refused_or_done_and_never_in_between()
    {
        var (exitCode, line) = ChildProgram.Run(typeof(LinuxMoveScenarios), nameof(LinuxMoveScenarios.MoveAtTheLimitOfMappings));
        Assert.Equal((0, "refused and done, contents kept"), (exitCode, line));
    }

    [FactOnLinux]
    public void No_later_verb_allocates_on_the_collected_heap()
    {
        using var range = new VirtualMemoryContract.Range(Os, 16 * MiB);
        var before = 0L;
        for (var i = 0; i < 100; i++)
        {
            if (i == 1)
                before = GC.GetAllocatedBytesForCurrentThread();
            _ = Os.Commit(range.Address, 16 * MiB);
            _ = Os.PurgeLazily(range.Address, MiB);
            _ = Os.MovePages(range.Address, range.Address + (8 * MiB), 4 * MiB);
            _ = PageMover.MoveOrCopy(Os, range.Address, range.Address + (8 * MiB), 4 * MiB, 2 * MiB, out _);
            var huge = (void*)(((nuint)range.Address + (2 * MiB) - 1) & ~((2 * MiB) - 1));
            if (Os.CommitHuge(huge, 2 * MiB, 21) == VmStatus.Ok)
                _ = Os.DropHuge(huge, 2 * MiB);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static int Mappings() => File.ReadLines("/proc/self/maps").Count();
}
