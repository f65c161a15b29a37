using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Scenarios;

public sealed class ScenarioTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. Model.Scenarios.Scenarios.All.Select(make => make().Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_execution_of_the_scenario_holds_its_claim(string name)
    {
        var scenario = Model.Scenarios.Scenarios.Find(name)!;
        var report = GraphExplorer.Explore(scenario);
        output.WriteLine($"{name}: {report.Result.Executions} executions, {report.Result.Blocked} blocked, "
            + $"{(report.Result.IsExhaustive ? "exhaustive" : $"bound {scenario.Bound}")}, steps {string.Join(", ", report.Steps.Select(step => $"{step.Key} {step.Value}"))}, {report.Elapsed.TotalSeconds:f2} s");
        Assert.True(report.Result.Error == null, $"{report.Result.Error?.Kind}: {report.Result.Error?.Text}");
        Assert.True(report.Result.Executions > 0);
        Assert.True(report.Result.IsExhaustive || scenario.Bound >= 3);
    }
}
