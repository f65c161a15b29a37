using BitTreeAlloc.Model.Baton;
using BitTreeAlloc.Tests.Explorer.Support;

namespace BitTreeAlloc.Tests.Explorer.Baton;

/// <summary>Every scenario of the registry on real threads: the same bodies, histories and errors as on the graph engine.</summary>
public sealed class BatonScenarioTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. ScenarioList.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_scenario_holds_in_every_execution_that_the_baton_samples(string name)
    {
        var report = BatonExplorer.Explore(ScenarioList.Make(name), new BatonOptions { Iterations = 200 });
        output.WriteLine(FormattableString.Invariant($"{name}: baton, {report.Executions} executions, {report.Executions / report.Elapsed.TotalSeconds:0}/s"));
        Assert.True(report.Error == null, $"{report.Error?.Kind}: {report.Error?.Text}; seed {report.FailingSeed}");
        Assert.Equal(200, report.Executions);
    }
}
