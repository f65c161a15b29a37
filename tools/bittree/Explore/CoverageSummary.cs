using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Tool.Explore;

/// <summary>
/// What the scenarios of a run are too weak to see. Of one scenario every flag is shown; of several only the sites whose compare-exchange failed in none of them, because a scenario need not press
/// every site that it passes.
/// </summary>
internal sealed class CoverageSummary
{
    private const long MostExecutions = 2_000;

    private readonly List<CoverageReport> _reports = [];

    public void Add(Scenario scenario, ExploreOptions options) => _reports.Add(CoverageCollector.Of(scenario, options, MostExecutions));

    public void Write(TextWriter output)
    {
        if (_reports is [var only])
        {
            output.WriteLine($"covered{(only.IsExhaustive ? "" : $", by the first {only.Complete:N0} executions")}: {only.FinalStates:N0} final states, {only.WeakOnly:N0} executions that no interleaving explains, {only.BeyondTso:N0} that x64 does not show");
            foreach (var site in only.Sites.Where(site => site.Site != Site.None))
                output.WriteLine($"  {site.Site,-24} {site.Successes,8:N0} written {site.Failures,8:N0} failed {site.MostSources,4} sources {site.Aba,6:N0} ABA");
            foreach (var flag in only.Flags)
                output.WriteLine($"may be too weak: {flag}");
            return;
        }

        foreach (var site in _reports.SelectMany(report => report.Sites).Where(site => site.Site != Site.None).GroupBy(site => site.Site))
        {
            if (site.Sum(one => one.Successes) > 0 && site.Sum(one => one.Failures) == 0)
                output.WriteLine($"may be too weak: in none of these scenarios does the compare-exchange at {site.Key} fail");
        }
    }
}
