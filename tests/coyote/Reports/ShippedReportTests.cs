using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tests.Explorer.Reports;

/// <summary>Reports of mistakes planted in the shipped code: small, decoded, and replayed from their token.</summary>
public sealed class ShippedReportTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("recycler/pop-push-3-threads-cas16", Site.StackPop, WeakeningKind.Split)]
    [InlineData("blocks/give-vs-give-last-ones-home", Site.BlockCount, WeakeningKind.Split)]
    public void A_weakened_site_is_shown_on_less_than_the_whole_scenario(string name, Site site, WeakeningKind kind)
    {
        var scenario = Model.Scenarios.Scenarios.Find(name)!;
        var options = new ExploreOptions { Weakening = new SiteWeakening(site, kind), Bound = 6 };
        var report = FailureFinder.Find(scenario, options) ?? throw new InvalidOperationException("nothing was found");
        output.WriteLine(report.Text);
        Assert.InRange(report.Token!.Length, 1, 120);
        var again = Replayer.Replay(scenario, report.Token);
        Assert.NotNull(again);
        Assert.Equal(report.Error.Kind, again.Error.Kind);
    }
}
