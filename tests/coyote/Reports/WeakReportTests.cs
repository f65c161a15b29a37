using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Explorer.Reports;

/// <summary>Errors that no interleaving explains, and errors that show only while their event is added.</summary>
public sealed class WeakReportTests(ITestOutputHelper output)
{
    [Fact]
    public void A_stale_read_is_marked_with_the_store_it_missed()
    {
        var report = FailureFinder.Find(new Message(MemoryOrder.Relaxed, MemoryOrder.Relaxed))!;
        output.WriteLine(report.Text);
        Assert.True(report.NeedsWeakMemory);
        Assert.Equal(1, report.StaleReads);
        Assert.Contains("load.rlx data = 0  ← init  STALE, missed 1", report.Text, StringComparison.Ordinal);
        Assert.Contains("allowed by: sc no, tso no, net yes, rc11 yes", report.Text, StringComparison.Ordinal);
        Assert.Equal(report.Text, Replayer.Replay(new Message(MemoryOrder.Relaxed, MemoryOrder.Relaxed), report.Token!)!.Text);
    }

    [Fact]
    public void A_race_is_shown_and_replayed()
    {
        var scenario = new Message(MemoryOrder.Plain, MemoryOrder.Relaxed);
        var report = FailureFinder.Find(scenario)!;
        output.WriteLine(report.Text);
        Assert.Equal(ModelErrorKind.DataRace, report.Error.Kind);
        Assert.NotNull(report.Token);
        Assert.Equal(report.Error, Replayer.Replay(scenario, report.Token)!.Error);
    }

    [Fact]
    public void Released_and_acquired_it_holds() => Assert.Null(FailureFinder.Find(new Message(MemoryOrder.Plain, MemoryOrder.Release)));

    [Theory]
    [InlineData("")]
    [InlineData("!")]
    [InlineData("AAAA")]
    [InlineData("EREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREREQ")]
    public void What_is_no_token_is_refused(string token) => Assert.Throws<FormatException>(() => Replayer.Replay(new Message(MemoryOrder.Plain, MemoryOrder.Release), token));

    /// <summary>One thread writes data and then a flag; the other sees the flag and reads the data.</summary>
    private sealed unsafe class Message(MemoryOrder data, MemoryOrder flag) : Scenario
    {
        private ulong* _data;
        private ulong* _flag;

        public override string Name => $"test/message-{data}-{flag}";

        public override string Claim => "who sees the flag sees the data";

        public override int Threads => 2;

        public override void Prepare(ModelMemory memory)
        {
            _data = memory.Words("data");
            _flag = memory.Words("flag");
        }

        public override void Body(Run run, int thread)
        {
            if (thread == 0)
            {
                ModelAtomics.Write(_data, 1, data, Site.None);
                ModelAtomics.Write(_flag, 1, flag, Site.None);
            }
            else if (ModelAtomics.Read(_flag, flag == MemoryOrder.Release ? MemoryOrder.Acquire : flag, Site.None) == 1)
            {
                run.Assert(ModelAtomics.Read(_data, data, Site.None) == 1, "the flag without the data");
            }
        }
    }
}
