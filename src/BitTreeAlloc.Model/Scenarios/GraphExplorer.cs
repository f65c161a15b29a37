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

    /// <summary>A planted mistake of the protocol.</summary>
    internal SeamMutant? Mutant { get; init; }
}

/// <summary>What exploring a scenario came to.</summary>
/// <param name="Scenario">Name of the scenario.</param>
/// <param name="Result">Counts and the first error.</param>
/// <param name="Elapsed">Time taken.</param>
public sealed record ScenarioReport(string Scenario, ExplorationResult Result, TimeSpan Elapsed)
{
    /// <summary>Most operations of one call, over all executions, by name of the operation (INV12).</summary>
    public IReadOnlyDictionary<string, int> Steps { get; init; } = new Dictionary<string, int>();

    /// <summary>Sites of the core that the scenario touched.</summary>
    public IReadOnlyCollection<Atomics.Site> Sites => Uses.Keys;

    /// <summary>How it used them.</summary>
    internal Dictionary<Atomics.Site, Mutants.SiteUse> Uses { get; init; } = [];

    /// <summary>Most operations of one thread, over all executions.</summary>
    internal int[] ThreadSteps { get; init; } = [];
}

/// <summary>Runs scenarios on the graph engine.</summary>
public static class GraphExplorer
{
    /// <summary>Explores one scenario.</summary>
    public static ScenarioReport Explore(Scenario scenario, ExploreOptions? options = null)
    {
        options ??= new ExploreOptions();
        var memory = new ModelMemory { Weakening = options.Weakening, Mutant = options.Mutant };
        var clock = Stopwatch.StartNew();
        ModelMemory.Enter(memory);
        try
        {
            memory.StepBound = scenario.StepBound;
            scenario.Prepare(memory);
            using var engine = new GraphEngine(scenario.Threads, options.Model, Views.MaxEvents, Math.Max(memory.LocationCount, 1))
            {
                Bound = options.Bound ?? scenario.Bound ?? int.MaxValue,
                MaxExecutions = options.MaxExecutions,
                NameOf = memory.NameOfLocation,
            };
            memory.Begin(engine);
            var run = new Run(engine, memory);
            var threadSteps = new int[scenario.Threads];
            var bodies = new Action<int>[scenario.Threads];
            for (var thread = 0; thread < bodies.Length; thread++)
            {
                bodies[thread] = number =>
                {
                    memory.BeginThread(number);
                    scenario.Body(run, number);
                    threadSteps[number] = Math.Max(threadSteps[number], memory.Steps);
                };
            }

            Action check = () => scenario.Check(run);
            engine.AtEnd = () => memory.Inspect(check);
            engine.AtBlocked = () => CheckBlocked(scenario, memory, engine, run);
            var result = engine.Explore(bodies);
            return new ScenarioReport(scenario.Name, result, clock.Elapsed) { Steps = StepsOf(scenario, run), Uses = memory.Uses(), ThreadSteps = threadSteps };
        }
        finally
        {
            memory.FreeNatives();
            ModelMemory.Enter(null);
        }
    }

    /// <summary>The stall test: every thread stopped after every one of its operations.</summary>
    public static StallReport Stall(Scenario scenario, ExploreOptions? options = null)
    {
        var steps = Explore(scenario, options).ThreadSteps;
        var stops = 0;
        var executions = 0L;
        var exhaustive = true;
        for (var thread = 0; thread < scenario.Threads; thread++)
        {
            // The longest run is what a stop can hit; a thread that spins for ever without a stop has no longest run.
            for (var operations = 0; operations <= Math.Max(steps[thread] - 1, 0); operations++)
            {
                var report = Explore(new StalledScenario(scenario, thread, operations), options);
                stops++;
                executions += report.Result.Executions + report.Result.Blocked;
                exhaustive &= report.Result.IsExhaustive;
                if (report.Result.Error != null)
                    return new StallReport(scenario.Name, stops, executions, report.Result.Error, report.Scenario, false);
            }
        }

        return new StallReport(scenario.Name, stops, executions, null, null, exhaustive);
    }

    internal static void CheckBlocked(Scenario scenario, ModelMemory memory, GraphEngine engine, Run run)
    {
        var waiting = 0;
        var stopped = -1;
        for (var thread = 0; thread < scenario.Threads; thread++)
        {
            if (engine.IsDone(thread))
                continue;
            if (memory.IsStopped(thread))
            {
                stopped = thread;
                continue;
            }

            // A wait that reads something old goes on in another execution.
            if (!engine.ReadsNewest(thread, memory.WaitingSince[thread]))
                return;
            waiting++;
        }

        if (waiting != 0)
        {
            throw stopped >= 0
                ? new ModelErrorException(ModelErrorKind.NotLockFree, $"{waiting} threads wait for thread {stopped}, which is stopped for ever")
                : new ModelErrorException(ModelErrorKind.Deadlock, $"{waiting} threads wait for what nobody will write");
        }

        if (stopped >= 0)
            memory.Inspect(() => scenario.CheckStopped(run, stopped));
    }

    private static Dictionary<string, int> StepsOf(Scenario scenario, Run run)
    {
        var steps = new Dictionary<string, int>();
        for (var kind = 0; kind < scenario.Operations.Count; kind++)
            steps[scenario.Operations[kind]] = run.MostSteps[kind];
        return steps;
    }
}
