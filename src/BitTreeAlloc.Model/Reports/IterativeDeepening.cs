using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>Deviation bounds 1, 2, 3 … up to the one wanted: mistakes show at small bounds, long before the last one is done.</summary>
public static class IterativeDeepening
{
    /// <summary>Explores at growing bounds until an error, until nothing was cut, or until <paramref name="bound"/>. The last result is returned; each is reported.</summary>
    public static ScenarioReport Explore(Func<Scenario> make, ExploreOptions options, int bound, int workers, ExploreProgress? progress, Action<int, ScenarioReport>? each = null)
    {
        for (var depth = Math.Min(1, bound); ; depth++)
        {
            var report = ParallelExplorer.Explore(make, options with { Bound = depth }, workers, progress);
            each?.Invoke(depth, report);
            if (report.Result.Error != null || report.Result.IsExhaustive || depth >= bound)
                return report;
        }
    }
}
