using System.Diagnostics;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Baton;

/// <summary>Samples executions of a scenario on real threads: for what is too large to be seen whole.</summary>
public static class BatonExplorer
{
    private const long Batch = 1_000;

    /// <summary>Runs the seeds of the shard until one fails.</summary>
    /// <param name="scenario">The scenario.</param>
    /// <param name="options">Seeds, strategy, model.</param>
    /// <param name="progress">Counts along.</param>
    public static BatonReport Explore(Scenario scenario, BatonOptions? options = null, ExploreProgress? progress = null)
    {
        options ??= new BatonOptions();
        var clock = Stopwatch.StartNew();
        using var engine = new BatonEngine(scenario, options);
        var executions = engine.Error == null ? 0L : 1;
        var stride = (ulong)options.Shards;
        var mine = (options.Iterations / options.Shards) + (options.Shard < options.Iterations % options.Shards ? 1 : 0);
        while (executions < mine && engine.Error == null)
        {
            engine.RunSeeds(options.Seed + (ulong)options.Shard + ((ulong)executions * stride), stride, Math.Min(Batch, mine - executions), options.Strategy);
            executions += engine.Executions;
            progress?.Add(engine.Executions);
        }

        var report = new BatonReport(scenario.Name, executions, clock.Elapsed);
        if (engine.Error is not { } error)
            return report;
        var seed = engine.LastSeed;
        return report with { Error = error, FailingSeed = seed, Failure = GraphOf(engine, scenario, options) };
    }

    /// <summary>The failing execution once more, noted this time, as a graph that the graph engine replays.</summary>
    private static FailureReport? GraphOf(BatonEngine engine, Scenario scenario, BatonOptions options)
    {
        var error = engine.Error!;
        engine.Record = new BatonRecord(scenario.Threads);
        engine.RunSeeds(engine.LastSeed, 0, 1, engine.LastStrategy);
        if (engine.Record.ToShape() is not { } shape)
            return null;
        var token = new ReplayToken
        {
            ScenarioHash = ReplayToken.HashOf(scenario.Name), Model = options.Model, Weakening = options.Weakening, FailingThread = error.Thread, Shape = shape,
        };
        try
        {
            return Replayer.Replay(scenario, token) is { } report && report.Error.Kind == error.Kind ? report : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
