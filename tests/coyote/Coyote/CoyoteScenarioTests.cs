using BitTreeAlloc.Tests.Explorer.Support;
using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>Every scenario of the registry under Coyote's portfolio.</summary>
public class CoyoteScenarioTests(ITestOutputHelper output)
{
    public static TheoryData<string> Names => [.. ScenarioList.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_scenario_holds_in_every_schedule_that_Coyote_tries(string name)
    {
        var report = CoyoteExplorer.Explore(ScenarioList.Make(name), CoyoteOptions.FromEnvironment(name));
        output.WriteLine(report.ToString());
        if (report.Error == null)
            return;
        var file = Path.Combine(AppContext.BaseDirectory, CoyoteOptions.TraceFileOf(name));
        File.WriteAllText(file, report.Trace);
        Assert.Fail($"{report}\nBITTREE_COYOTE_REPLAY={file} replays it\n{report.Error.Stack}");
    }
}
