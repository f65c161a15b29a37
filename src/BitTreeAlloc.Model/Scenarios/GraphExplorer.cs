using System.Diagnostics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;

namespace BitTreeAlloc.Model.Scenarios;

/// <summary>How a scenario is explored.</summary>
public sealed record ExploreOptions
{
    /// <summary>The memory model.</summary>
    public MemoryModel Model { get; init; } = MemoryModel.Rc11;

    /// <summary>Deviation bound; null takes the scenario's own.</summary>
    public int? Bound { get; init; }

    /// <summary>Executions after which the search stops.</summary>
    public long MaxExecutions { get; init; } = long.MaxValue;

    /// <summary>A planted weakness.</summary>
    public SiteWeakening Weakening { get; init; }
}

/// <summary>What exploring a scenario came to.</summary>
/// <param name="Scenario">Name of the scenario.</param>
/// <param name="Result">Counts and the first error.</param>
/// <param name="Elapsed">Time taken.</param>
public sealed record ScenarioReport(string Scenario, ExplorationResult Result, TimeSpan Elapsed);

/// <summary>Runs scenarios on the graph engine.</summary>
public static class GraphExplorer
{
    /// <summary>Explores one scenario.</summary>
    public static ScenarioReport Explore(Scenario scenario, ExploreOptions? options = null)
    {
        options ??= new ExploreOptions();
        var memory = new ModelMemory { Weakening = options.Weakening };
        var clock = Stopwatch.StartNew();
        ModelMemory.Enter(memory);
        try
        {
            scenario.Prepare(memory);
            using var engine = new GraphEngine(scenario.Threads, options.Model, Views.MaxEvents, Math.Max(memory.LocationCount, 1))
            {
                Bound = options.Bound ?? scenario.Bound ?? int.MaxValue,
                MaxExecutions = options.MaxExecutions,
                NameOf = memory.NameOfLocation,
            };
            memory.Begin(engine);
            var run = new Run(engine, memory);
            var bodies = new Action<int>[scenario.Threads];
            for (var thread = 0; thread < bodies.Length; thread++)
            {
                bodies[thread] = number =>
                {
                    memory.BeginThread(number);
                    scenario.Body(run, number);
                };
            }

            engine.AtEnd = () => memory.Inspect(() => scenario.Check(run));
            return new ScenarioReport(scenario.Name, engine.Explore(bodies), clock.Elapsed);
        }
        finally
        {
            ModelMemory.Enter(null);
        }
    }
}
