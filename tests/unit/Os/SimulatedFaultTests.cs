using BitTreeAlloc.Os;
using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Os;

/// <summary>Calls that fail when told to.</summary>
public sealed unsafe class SimulatedFaultTests
{
    private const nuint MiB = 1 << 20;

    [Theory]
    [InlineData(VmVerb.Reserve, VmStatus.AddressSpaceExhausted)]
    [InlineData(VmVerb.Commit, VmStatus.CommitRefused)]
    [InlineData(VmVerb.Purge, VmStatus.NotSupported)]
    [InlineData(VmVerb.Release, VmStatus.TooManyMappings)]
    [InlineData(VmVerb.Advise, VmStatus.NotSupported)]
    public void The_kth_call_of_a_verb_fails_once(VmVerb verb, VmStatus expected)
    {
        for (var k = 1; k <= 4; k++)
        {
            using var os = new SimulatedVirtualMemory();
            os.FailAt(verb, k);
            var answers = Enumerable.Range(0, 4).Select(_ => Round(os)).ToArray();
            for (var i = 0; i < 4; i++)
                Assert.Equal(i + 1 == k ? expected : VmStatus.Ok, answers[i][verb]);
            Assert.All(answers.SelectMany(round => round), answer => Assert.True(answer.Value == VmStatus.Ok || answer.Key == verb));
            Assert.Equal(1, os.FaultsInjected);
            Assert.Empty(os.Violations);
        }
    }

    [Fact]
    public void The_kth_call_of_any_verb_fails()
    {
        for (var k = 1; k <= 10; k++)
        {
            using var os = new SimulatedVirtualMemory(new() { LogLimit = 100 });
            os.FailAt(null, k);
            _ = Round(os);
            _ = Round(os);
            Assert.Equal(k - 1, os.Log.ToList().FindIndex(call => call.Status != VmStatus.Ok));
            Assert.Equal(1, os.Log.Count(call => call.Status != VmStatus.Ok));
        }
    }

    [Fact]
    public void Every_nth_call_fails_until_cleared_with_the_status_asked_for()
    {
        using var os = new SimulatedVirtualMemory();
        using var range = new VirtualMemoryContract.Range(os.Table, MiB);
        os.FailEvery(VmVerb.Commit, 3, VmStatus.TooManyMappings);
        for (var i = 1; i <= 9; i++)
            Assert.Equal(i % 3 == 0 ? VmStatus.TooManyMappings : VmStatus.Ok, os.Table.Commit(range.Address, MiB));
        os.ClearFaults();
        for (var i = 1; i <= 9; i++)
            Assert.Equal(VmStatus.Ok, os.Table.Commit(range.Address, MiB));
        Assert.Equal(3, os.FaultsInjected);
    }

    [Fact]
    public void A_failed_call_changes_neither_books_nor_contents()
    {
        using var os = new SimulatedVirtualMemory();
        using var range = new VirtualMemoryContract.Range(os.Table, 2 * MiB);
        range.Committed(MiB).Fill(4);
        os.FailEvery(null, 1);
        Assert.Equal(VmStatus.CommitRefused, os.Table.Commit(range.Address, 2 * MiB));
        Assert.Equal(VmStatus.NotSupported, os.Table.Purge(range.Address, MiB));
        Assert.Equal(VmStatus.TooManyMappings, os.Table.Release(range.Address, 2 * MiB));
        os.ClearFaults();
        Assert.Equal((2 * MiB, MiB), ((nuint)os.ReservedBytes, (nuint)os.CommittedBytes));
        Assert.False(new Span<byte>(range.Address, (int)MiB).ContainsAnyExcept((byte)4));
    }

    /// <summary>What Windows can answer: the pages are gone and have to be committed again.</summary>
    [FactOnLinux]
    public void A_purge_that_loses_its_commitment_decommits_the_range()
    {
        using var os = new SimulatedVirtualMemory();
        using var range = new VirtualMemoryContract.Range(os.Table, MiB);
        range.Committed(MiB).Fill(4);
        os.FailAt(VmVerb.Purge, 1, VmStatus.CommitRefused);
        Assert.Equal(VmStatus.CommitRefused, os.Table.Purge(range.Address, MiB));
        Assert.Equal(0ul, os.CommittedBytes);
        Assert.False(Pages.IsReadable(range.Address));
        Assert.Equal(VmStatus.Invalid, os.Table.Purge(range.Address, MiB));
        Assert.False(range.Committed(MiB).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void A_fault_hides_no_breach()
    {
        using var os = new SimulatedVirtualMemory();
        os.FailEvery(null, 1);
        Assert.Equal(VmStatus.Invalid, os.Table.Commit((byte*)0 + os.Table.PageSize(), os.Table.PageSize()));
        Assert.Single(os.Violations);
    }

    [Fact]
    public void Faults_that_make_no_sense_are_refused()
    {
        using var os = new SimulatedVirtualMemory();
        Assert.Throws<ArgumentOutOfRangeException>(() => os.FailAt(null, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => os.FailEvery(VmVerb.Purge, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => os.FailAt(VmVerb.Purge, 1, VmStatus.Ok));
    }

    [Fact]
    public void Counts_are_exact_over_threads()
    {
        using var os = new SimulatedVirtualMemory();
        os.FailEvery(VmVerb.Commit, 10);
        var threads = Enumerable.Range(0, 4).Select(k => new Thread(() =>
        {
            for (var i = 0; i < 250; i++)
                Assert.Equal(VmStatus.Ok, Round(os)[VmVerb.Release]);
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.Equal((1000L, 100L), (os.Calls(VmVerb.Commit), os.FaultsInjected));
        Assert.Equal((0ul, 0ul), (os.ReservedBytes, os.BackedBytes));
    }

    // Each verb once (those that can be called at all after a failure before), and its answer.
    private static Dictionary<VmVerb, VmStatus> Round(SimulatedVirtualMemory os)
    {
        void* address;
        var table = os.Table;
        var answers = new Dictionary<VmVerb, VmStatus> { [VmVerb.Reserve] = table.Reserve(MiB, MiB, &address) };
        if (answers[VmVerb.Reserve] != VmStatus.Ok)
            return answers;
        answers[VmVerb.Commit] = table.Commit(address, MiB);
        if (answers[VmVerb.Commit] == VmStatus.Ok)
        {
            answers[VmVerb.Advise] = table.Advise(address, MiB, VmAdvice.DontFork);
            answers[VmVerb.Purge] = table.Purge(address, MiB);
        }

        answers[VmVerb.Release] = table.Release(address, MiB); // refused: Dispose gives it back
        return answers;
    }
}
