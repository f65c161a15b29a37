using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>How hard to look for the simplest failing execution.</summary>
public sealed record ShrinkLimits
{
    /// <summary>Executions tried per smaller form of a scenario.</summary>
    public long ExecutionsPerVariant { get; init; } = 200_000;

    /// <summary>Executions looked at when choosing among failing ones, in all.</summary>
    public long ExecutionsForChoice { get; init; } = 200_000;

    /// <summary>Failing executions compared.</summary>
    public int FailuresCompared { get; init; } = 1_000;
}

/// <summary>
/// From a scenario that fails to the report to read: the scenario made as small as it still fails with the same kind of error, then among its failing executions the one with the fewest context
/// switches, then the fewest steps, then the fewest stale reads.
/// </summary>
public static class FailureFinder
{
    /// <summary>The simplest failing execution, or null where none fails within the limits.</summary>
    public static FailureReport? Find(Scenario scenario, ExploreOptions? options = null, ShrinkLimits? limits = null)
    {
        options ??= new ExploreOptions();
        limits ??= new ShrinkLimits();
        var path = new List<int>();
        var smallest = scenario;
        if (scenario is IShrinkable && FirstErrorOf(scenario, options, options.MaxExecutions) is { } error)
            smallest = Shrink(scenario, options, limits, error.Kind, path);
        return Simplest(scenario, smallest, path, options, limits);
    }

    private static Scenario Shrink(Scenario scenario, ExploreOptions options, ShrinkLimits limits, ModelErrorKind kind, List<int> path)
    {
        for (var shrunk = true; shrunk;)
        {
            shrunk = false;
            var number = 0;
            foreach (var variant in (scenario as IShrinkable)?.Smaller() ?? [])
            {
                if (FirstErrorOf(variant, options, limits.ExecutionsPerVariant)?.Kind == kind)
                {
                    path.Add(number);
                    scenario = variant;
                    shrunk = true;
                    break;
                }

                number++;
            }
        }

        return scenario;
    }

    private static ModelError? FirstErrorOf(Scenario scenario, ExploreOptions options, long most)
    {
        using var session = new GraphSession(scenario, options);
        session.Engine.MaxExecutions = most;
        return session.Engine.Explore(session.Bodies).Error;
    }

    /// <summary>All failing executions at growing deviation bounds, until a bound beyond the first failure adds nothing better or the limits are met.</summary>
    private static FailureReport? Simplest(Scenario original, Scenario scenario, List<int> path, ExploreOptions options, ShrinkLimits limits)
    {
        var search = new FailureSearch(scenario, options, limits);
        var last = options.Bound ?? scenario.Bound ?? int.MaxValue;
        for (var bound = 0; bound <= last; bound++)
        {
            var (exhaustive, spent) = search.Run(bound);
            if (exhaustive || spent)
                break;
        }

        if (search.Best is not { } best && !search.RunWithoutLimit(last))
            return null;
        best = search.Best!;
        var token = new ReplayToken
        {
            ScenarioHash = ReplayToken.HashOf(original.Name),
            Model = options.Model,
            Weakening = options.Weakening,
            ShrinkPath = [.. path],
            FailingThread = best.Report.Error.Thread,
            Shape = best.Shapes[0],
        };
        var verified = Replayer.Verified(original, token, best.Report.Error, best.Shapes);
        return best.Report with { Token = verified?.ToString() };
    }
}
