using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>What the simulated system adds: bounds, a log, counters, and breaches found.</summary>
public sealed unsafe class SimulatedVirtualMemoryTests
{
    private const nuint MiB = 1 << 20;

    [Fact]
    public void Commits_beyond_the_capacity_are_refused_and_purge_and_release_give_it_back()
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 4 * MiB });
        var one = Reserve(os, 8 * MiB);
        var two = Reserve(os, 8 * MiB);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(one, 3 * MiB));
        Assert.Equal(VmStatus.CommitRefused, os.Table.Commit(two, 2 * MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(two, MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(one, 3 * MiB)); // nothing new in it
        Assert.Equal(VmStatus.CommitRefused, os.Table.Commit(one, 4 * MiB));
        Assert.Equal((4 * MiB, 4 * MiB), ((nuint)os.BackedBytes, (nuint)os.CommittedBytes));

        Assert.Equal(VmStatus.Ok, os.Table.Purge(one + MiB, MiB));
        Assert.Equal((3 * MiB, 4 * MiB), ((nuint)os.BackedBytes, (nuint)os.CommittedBytes));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(two + MiB, MiB));
        Assert.Equal(VmStatus.CommitRefused, os.Table.Commit(one + MiB, MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Release(two, 8 * MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(one + MiB, MiB));
        Assert.Equal(3 * MiB, (nuint)os.BackedBytes);
        Assert.Equal(4 * MiB, (nuint)os.PeakBackedBytes);
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void A_commit_limit_counts_purged_pages_too()
    {
        using var os = new SimulatedVirtualMemory(new() { CapacityBytes = 2 * MiB, PurgeFreesCapacity = false });
        var range = Reserve(os, 4 * MiB);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Purge(range, 2 * MiB));
        Assert.Equal(2 * MiB, (nuint)os.BackedBytes);
        Assert.Equal(VmStatus.CommitRefused, os.Table.Commit(range + (2 * MiB), MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * MiB));
    }

    [Fact]
    public void The_capacity_can_change_while_in_use()
    {
        using var os = new SimulatedVirtualMemory();
        var range = Reserve(os, 4 * MiB);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * MiB));
        os.CapacityBytes = MiB;
        Assert.Equal(VmStatus.CommitRefused, os.Table.Commit(range, 3 * MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * MiB));
        os.CapacityBytes = 3 * MiB;
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 3 * MiB));
    }

    [Fact]
    public void Reservations_beyond_the_address_space_are_refused()
    {
        using var os = new SimulatedVirtualMemory(new() { AddressSpaceBytes = 8 * MiB });
        void* address;
        var first = Reserve(os, 6 * MiB);
        Assert.Equal(VmStatus.AddressSpaceExhausted, os.Table.Reserve(3 * MiB, 4096 * 16, &address));
        Assert.True(address == null);
        _ = Reserve(os, 2 * MiB);
        Assert.Equal(8 * MiB, (nuint)os.ReservedBytes);
        Assert.Equal(VmStatus.Ok, os.Table.Release(first, 6 * MiB));
        Assert.Equal(2 * MiB, (nuint)os.ReservedBytes);
    }

    [Fact]
    public void The_log_keeps_the_latest_calls_with_their_answers()
    {
        using var os = new SimulatedVirtualMemory(new() { LogLimit = 4, CapacityBytes = MiB });
        var range = Reserve(os, 4 * MiB);
        _ = os.Table.Commit(range, MiB);
        _ = os.Table.Commit(range, 2 * MiB);
        _ = os.Table.Purge(range, MiB);
        _ = os.Table.Release(range, 4 * MiB);
        var at = (nuint)range;
        Assert.Equal(
            [
                new(VmVerb.Commit, at, MiB, VmStatus.Ok),
                new(VmVerb.Commit, at, 2 * MiB, VmStatus.CommitRefused),
                new(VmVerb.Purge, at, MiB, VmStatus.Ok),
                new(VmVerb.Release, at, 4 * MiB, VmStatus.Ok),
            ],
            os.Log);
        Assert.Equal((5L, 1L, 2L), (os.TotalCalls, os.Calls(VmVerb.Reserve), os.Calls(VmVerb.Commit)));
        os.ResetCounters();
        Assert.Equal((0L, 0), (os.TotalCalls, os.Log.Count));
    }

    [Fact]
    public void Every_breach_of_the_contract_is_recorded_and_changes_nothing()
    {
        using var os = new SimulatedVirtualMemory();
        var (table, page) = (os.Table, os.Table.PageSize());
        var address = stackalloc void*[1];
        var range = Reserve(os, 4 * MiB);
        Assert.Equal(VmStatus.Ok, table.Commit(range, MiB));
        var breaches = new Func<VmStatus>[]
        {
            () => table.Reserve(0, page, address),
            () => table.Reserve(page + 1, page, address),
            () => table.Reserve(page, page + 1, address),
            () => table.Commit(range + 1, page),
            () => table.Commit(range, page - 1),
            () => table.Commit(range, 0),
            () => table.Commit(range + (4 * MiB) - page, 2 * page), // beyond the end
            () => table.Commit((byte*)0 + page, page), // in no reservation
            () => table.Purge(range + MiB - page, 2 * page), // one page committed, one not
            () => table.Purge(range + (2 * MiB), page),
            () => table.Release(range, MiB), // a part
            () => table.Release(range + MiB, 3 * MiB),
            () => table.Advise(range + (4 * MiB), page, VmAdvice.HugePages),
            () => table.Advise(range + (2 * MiB), page, VmAdvice.Populate),
        };
        for (var i = 0; i < breaches.Length; i++)
        {
            Assert.Equal(VmStatus.Invalid, breaches[i]());
            Assert.Equal(i + 1, os.Violations.Count);
        }

        Assert.Equal((4 * MiB, MiB), ((nuint)os.ReservedBytes, (nuint)os.CommittedBytes));
        Assert.Equal(VmStatus.Ok, table.Release(range, 4 * MiB));
        Assert.Equal(VmStatus.Invalid, table.Release(range, 4 * MiB)); // twice
        Assert.Equal(VmStatus.Invalid, table.Commit(range, page)); // after the release
        Assert.Contains("the range lies in no reservation", os.Violations[^1], StringComparison.Ordinal);
    }

    [FactOnLinux]
    public void Strict_purge_takes_access_until_the_next_commit()
    {
        using var os = new SimulatedVirtualMemory(new() { StrictPurge = true });
        var range = Reserve(os, 4 * MiB);
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, 2 * MiB));
        *range = 1;
        Assert.Equal(VmStatus.Ok, os.Table.Purge(range, MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Purge(range, MiB));
        Assert.False(Pages.IsReadable(range));
        Assert.True(Pages.IsReadable(range + MiB));
        Assert.Equal(VmStatus.Ok, os.Table.Commit(range, MiB));
        Assert.Equal(0, *range);
    }

    [Fact]
    public void Books_hold_over_terabytes_and_many_reservations()
    {
        using var os = new SimulatedVirtualMemory();
        var ranges = Enumerable.Range(0, 200).Select(_ => (nint)Reserve(os, (nuint)1 << 34)).ToList();
        foreach (var range in ranges)
            Assert.Equal(VmStatus.Ok, os.Table.Commit((byte*)range + ((nuint)3 << 32) - MiB, 2 * MiB)); // across a chunk's edge
        Assert.Equal((200ul << 34, 200 * 2 * (ulong)MiB), (os.ReservedBytes, os.CommittedBytes));
        foreach (var range in ranges.OrderBy(r => r % 7919))
            Assert.Equal(VmStatus.Ok, os.Table.Release((void*)range, (nuint)1 << 34));
        Assert.Equal((0ul, 0ul), (os.ReservedBytes, os.CommittedBytes));
        Assert.Empty(os.Violations);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new SimulatedVirtualMemory(new() { PageBytes = 5000 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SimulatedVirtualMemory(new() { PageBytes = 2048 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SimulatedVirtualMemory(new() { PageBytes = -4096 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SimulatedVirtualMemory(new() { Nodes = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new SimulatedVirtualMemory(new() { LogLimit = -1 }));
    }

    private static byte* Reserve(SimulatedVirtualMemory os, nuint bytes)
    {
        void* address;
        Assert.Equal(VmStatus.Ok, os.Table.Reserve(bytes, 64 << 10, &address));
        return (byte*)address;
    }
}
