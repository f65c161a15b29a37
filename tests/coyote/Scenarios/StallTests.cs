using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Scenarios;

public sealed class StallTests(ITestOutputHelper output)
{
    /// <summary>Executions of one stalled scenario; the largest ones are cut here, and say so. Every place to stop is visited either way.</summary>
    private static readonly long MaxExecutions = Knobs.Nightly ? 5000 : 100;

    public static TheoryData<string> Names => [.. Model.Scenarios.Scenarios.All.Select(make => make()).Where(scenario => scenario.IsLockFree).Select(scenario => scenario.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void With_any_thread_stopped_for_ever_anywhere_the_others_finish(string name)
    {
        var report = GraphExplorer.Stall(Model.Scenarios.Scenarios.Find(name)!, new ExploreOptions { MaxExecutions = MaxExecutions });
        output.WriteLine($"{name}: {report.Stops} stops, {report.Executions} executions, {(report.IsExhaustive ? "exhaustive" : "bounded")}");
        Assert.True(report.Error == null, $"{report.Where}: {report.Error?.Kind}: {report.Error?.Text}");
        Assert.True(report.Stops > 1);
    }
}
