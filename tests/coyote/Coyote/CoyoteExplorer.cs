using System.Diagnostics;
using System.Runtime.CompilerServices;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;
using Microsoft.Coyote;
using Microsoft.Coyote.Logging;
using Microsoft.Coyote.Runtime;
using Microsoft.Coyote.SystematicTesting;
using ControlledThread = Microsoft.Coyote.Rewriting.Types.Threading.Thread;

namespace BitTreeAlloc.Tests.Explorer.Coyote;

/// <summary>Runs scenarios under Coyote: the third instance of the same bodies, with a scheduler that is not ours.</summary>
internal static class CoyoteExplorer
{
    /// <summary>Runs one scenario. Throws where a pass would say nothing: threads that Coyote does not control, or schedules that are all the same.</summary>
    public static CoyoteReport Explore(Scenario scenario, CoyoteOptions? options = null)
    {
        options ??= new CoyoteOptions();
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Schedules, CoyoteOptions.MostSchedules);
        var memory = new ModelMemory { Weakening = options.Weakening };
        memory.StepBound = scenario.StepBound;
        var engine = new CoyoteEngine(scenario.Threads, memory);
        Directly(memory, () => scenario.Prepare(memory));
        memory.Begin(engine);

        // One per thread, which notes the operation that the thread is in, and one for the check.
        Run[] runs = [.. Enumerable.Range(0, scenario.Threads + 1).Select(_ => new Run(engine, memory))];
        using var testing = TestingEngine.Create(ConfigurationOf(options), () => RunSchedule(scenario, runs, memory, engine));
        testing.SetLogger(new TextWriterLogger(TextWriter.Null, VerbosityLevel.Error));
        var clock = Stopwatch.StartNew();
        testing.Run();
        var report = Judge(scenario, options, engine, testing, clock.Elapsed);

        // Threads of a failed schedule may still be unwinding: what they use is left to the process.
        if (report.Error == null)
            memory.FreeNatives();
        return report;
    }

    private static Configuration ConfigurationOf(CoyoteOptions options)
    {
        var configuration = Configuration.Create()
            .WithTestingIterations(options.Schedules)
            .WithRandomGeneratorSeed(options.FirstSeed)
            .WithTelemetryEnabled(false)
            .WithTraceAnalysisEnabled(false)
            .WithPartiallyControlledConcurrencyAllowed(false)
            .WithMaxSchedulingSteps(2_000, 20_000)
            .WithFailureOnMaxStepsBoundEnabled()
            .WithDeadlockTimeout(60_000);
        if (options.Trace != null)
            return configuration.WithReproducibleTrace(options.Trace);
        return options.Strategy switch
        {
            CoyoteStrategy.Random => configuration.WithRandomStrategy(),
            CoyoteStrategy.DepthFirst => DepthFirst(configuration),
            _ => configuration,
        };
    }

    /// <summary>One schedule, on the operation that Coyote starts. Forking is no choice, and the end is waited for in one step: 8 to 23 times fewer schedules for depth-first search.</summary>
    private static void RunSchedule(Scenario scenario, Run[] runs, ModelMemory memory, CoyoteEngine engine)
    {
        engine.BeginSchedule();
        memory.RestorePrivates();
        var left = scenario.Threads;
        SchedulingPoint.Suppress();
        for (var thread = 0; thread < scenario.Threads; thread++)
        {
            var number = thread;
            ControlledThread.Start(ControlledThread.Create(() =>
            {
                memory.BeginThread(number, restores: false);
                Guard(engine, memory, () => scenario.Body(runs[number], number));
                engine.EndThread(number);
                left--;
            }));
        }

        SchedulingPoint.Resume();
        Microsoft.Coyote.Runtime.Operation.PauseUntil(() => left == 0);
        engine.EndSchedule();
        Guard(engine, memory, () => memory.Inspect(() => scenario.Check(runs[^1])));
    }

    /// <summary>Keeps what went wrong and lets it pass: Coyote ends the schedule and unwinds the other threads. No other exception is caught, or they could not unwind.</summary>
    private static void Guard(CoyoteEngine engine, ModelMemory memory, Action action)
    {
        try
        {
            Directly(memory, action);
        }
        catch (ModelErrorException error)
        {
            engine.Fail(error.Error);
            throw;
        }
        catch (NullReferenceException raw)
        {
            engine.Fail(new ModelError(ModelErrorKind.WildPointer, "a raw access to model memory, past the seam") { Stack = raw.StackTrace });
            throw;
        }
    }

    private static void Directly(ModelMemory memory, Action action)
    {
        ModelMemory.Enter(memory);
        try
        {
            action();
        }
        finally
        {
            ModelMemory.Enter(null);
        }
    }

    private static CoyoteReport Judge(Scenario scenario, CoyoteOptions options, CoyoteEngine engine, TestingEngine testing, TimeSpan elapsed)
    {
        var found = testing.TestReport;
        var schedules = found.NumOfExploredFairPaths + found.NumOfExploredUnfairPaths;
        if (found.InternalErrors.Count > 0)
            throw new InvalidOperationException($"Coyote failed on {scenario.Name}: {found.InternalErrors.First()}");
        if (found.MaxControlledOperations != scenario.Threads + 1 || found.UncontrolledInvocations.Count > 0)
            throw new InvalidOperationException($"{scenario.Name}: {found.MaxControlledOperations} controlled operations for {scenario.Threads} threads; a pass would say nothing");
        if (schedules == 0)
            throw new InvalidOperationException($"{scenario.Name}: no schedule was run");
        var error = found.NumOfFoundBugs == 0 ? null : engine.Error ?? OwnFinding(found.BugReports.First());
        if (error == null && options.Trace != null)
            throw new InvalidOperationException($"{scenario.Name}: the trace does not reproduce an error");
        if (error == null && schedules >= 50 && engine.DistinctSchedules < 2 && engine.MovingThreads != 1) // where the others only sleep, there is one schedule
            throw new InvalidOperationException($"{scenario.Name}: {schedules} schedules were all the same; nothing interleaves");
        return new CoyoteReport
        {
            Scenario = scenario.Name,
            Strategy = options.Strategy,
            Schedules = schedules,
            Distinct = engine.DistinctSchedules,
            Steps = engine.Steps,
            ControlledOperations = found.MaxControlledOperations,
            IsExhaustive = options.Strategy == CoyoteStrategy.DepthFirst && error == null && schedules < options.Schedules,
            Error = error,
            Trace = testing.ReproducibleTrace,
            Elapsed = elapsed,
        };
    }

    /// <summary>What Coyote itself finds: threads that all wait, or a schedule without an end.</summary>
    private static ModelError OwnFinding(string text) =>
        new(text.Contains("deadlock", StringComparison.OrdinalIgnoreCase) ? ModelErrorKind.Deadlock : ModelErrorKind.Livelock, text);

    // Internal since Coyote has its portfolio; wrong where controlled random values are drawn.
    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "WithDFSStrategy")]
    private static extern Configuration DepthFirst(Configuration configuration);
}
