using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Reports;
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
}
