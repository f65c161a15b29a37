using System.Diagnostics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Scenarios;

namespace BitTreeAlloc.Model.Reports;

/// <summary>How far an exploration has come; read by whoever shows progress.</summary>
public sealed class ExploreProgress
{
    private long _graphs;

    /// <summary>Graphs run so far.</summary>
    public long Graphs => Interlocked.Read(ref _graphs);

    internal void Add(long graphs) => Interlocked.Add(ref _graphs, graphs);
}

/// <summary>
/// Explores a scenario with workers that share nothing: each has its own scenario object, memory and engine, runs the same first steps breadth-first, and then takes parts of the work by number.
/// The parts do not depend on the number of workers and sums do not depend on order, so results are identical at any number of workers; of several errors the one in the first part counts, with
/// what was explored before it.
/// </summary>
public static class ParallelExplorer
{
    private const int Parts = 128;
    private const int MostFirstSteps = 1024;
    private const int StepsBetweenLooks = 256;

    /// <summary>Explores.</summary>
    /// <param name="make">Makes the scenario anew for each worker.</param>
    /// <param name="options">Model and bound. With a limit of executions one worker does it all.</param>
    /// <param name="workers">Threads of the machine; 0 takes all processors.</param>
    /// <param name="progress">Counts along.</param>
    public static ScenarioReport Explore(Func<Scenario> make, ExploreOptions? options = null, int workers = 0, ExploreProgress? progress = null)
    {
        options ??= new ExploreOptions();
        if (options.MaxExecutions != long.MaxValue)
            return GraphExplorer.Explore(make(), options);
        var clock = Stopwatch.StartNew();
        var count = workers == 0 ? Environment.ProcessorCount : workers;
        var shared = new SharedState(make, options, progress ?? new ExploreProgress());
        var threads = new Thread[count - 1];
        for (var worker = 0; worker < threads.Length; worker++)
        {
            threads[worker] = new Thread(() => Work(shared)) { IsBackground = true, Name = "explorer" };
            threads[worker].Start();
        }

        Work(shared);
        foreach (var thread in threads)
            thread.Join();
        if (shared.Failure is { } failure)
            throw new InvalidOperationException($"a worker failed: {failure.Message}", failure);
        return new ScenarioReport(shared.Name, Sum(shared), clock.Elapsed);
    }

    private static void Work(SharedState shared)
    {
        try
        {
            using var session = new GraphSession(shared.Make(), shared.Options);
            shared.Name = session.Scenario.Name;
            var parts = FirstSteps(session);
            shared.First = session.Engine.Result;
            if (session.Engine.Result.Error != null)
                return;
            for (var part = Interlocked.Increment(ref shared.NextPart); part < parts.Length; part = Interlocked.Increment(ref shared.NextPart))
            {
                if (part < Volatile.Read(ref shared.ErrorPart))
                    shared.Results[part] = RunPart(session, parts[part], part, shared);
            }
        }
        catch (Exception e)
        {
            shared.Failure = e;
            Volatile.Write(ref shared.ErrorPart, -1);
        }
    }

    private static Graph[] FirstSteps(GraphSession session)
    {
        var engine = session.Engine;
        engine.BeginSearch();
        for (var step = 0; step < MostFirstSteps && engine.WorkCount is > 0 and < Parts && engine.Result.Error == null; step++)
            engine.Step(0, session.Bodies);
        return engine.TakeWork();
    }

    private static ExplorationResult RunPart(GraphSession session, in Graph first, int part, SharedState shared)
    {
        var engine = session.Engine;
        engine.ResetResult();
        engine.GiveWork(first);
        for (var steps = 1; engine.WorkCount > 0 && engine.Result.Error == null; steps++)
        {
            engine.Step(engine.WorkCount - 1, session.Bodies);
            if (steps % StepsBetweenLooks != 0)
                continue;
            shared.Progress.Add(StepsBetweenLooks);
            if (part > Volatile.Read(ref shared.ErrorPart))
                break;
        }

        engine.ClearWork();
        if (engine.Result.Error != null)
            shared.NoteError(part);
        return engine.Result;
    }

    private static ExplorationResult Sum(SharedState shared)
    {
        var sum = shared.First! with { };
        for (var part = 0; part < shared.Results.Length && sum.Error == null; part++)
        {
            if (shared.Results[part] is not { } result)
                continue;
            sum.Executions += result.Executions;
            sum.Blocked += result.Blocked;
            sum.Discarded += result.Discarded;
            sum.IsExhaustive &= result.IsExhaustive;
            sum.MaxEvents = Math.Max(sum.MaxEvents, result.MaxEvents);
            sum.Error = result.Error;
        }

        if (sum.Error != null)
            sum.IsExhaustive = false;
        return sum;
    }

    private sealed class SharedState(Func<Scenario> make, ExploreOptions options, ExploreProgress progress)
    {
        public int NextPart = -1;
        public int ErrorPart = int.MaxValue;

        public Func<Scenario> Make { get; } = make;

        public ExploreOptions Options { get; } = options;

        public ExploreProgress Progress { get; } = progress;

        // The first steps may leave more than one graph per part: the last of them pushes as many as it has branches.
        public ExplorationResult?[] Results { get; } = new ExplorationResult?[Parts * 64];

        public ExplorationResult? First { get; set; }

        public string Name { get; set; } = "";

        public Exception? Failure { get; set; }

        public void NoteError(int part)
        {
            for (var seen = Volatile.Read(ref ErrorPart); part < seen; seen = Volatile.Read(ref ErrorPart))
                Interlocked.CompareExchange(ref ErrorPart, part, seen);
        }
    }
}
