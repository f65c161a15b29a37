using System.Globalization;
using BitTreeAlloc.Model.Baton;
using BitTreeAlloc.Model.Mutants;
using BitTreeAlloc.Model.Reports;
using BitTreeAlloc.Model.Scenarios;
using BitTreeAlloc.Tool.Cli;

namespace BitTreeAlloc.Tool.Explore;

/// <summary>Does what 'bittree explore' was asked to do, and returns the exit code.</summary>
internal sealed class ExploreSession(TextWriter output, TextWriter error)
{
    private readonly CoverageSummary _coverage = new();

    public int Run(ExploreRequest request)
    {
        if (request.Engine == "coyote")
        {
            error.WriteLine("bittree: the coyote engine is only in tests built with -p:Coyote=true: dotnet test tests/coyote -p:Coyote=true");
            return ExitCode.BadInput;
        }

        if (request.Json != null)
            ExploreJson.Check("--json", request.Json);
        if (request.Html != null)
            ExploreJson.Check("--html", request.Html);
        if (request.Bench)
        {
            ExploreBench.Run(output);
            return ExitCode.Success;
        }

        var picked = ScenarioPicker.Pick(Scenarios.All, request.Scenarios);
        if (request.List)
            return List(picked);
        if (request.Replay != null)
            return Replay(request, picked);
        if (request.Mutants)
            return Mutants(request, picked);
        if (!request.All && request.Scenarios.Count == 0)
            throw new CliException("name a scenario, or give --all; --list names them");
        return Explore(request, picked);
    }

    private int List(IReadOnlyList<(Func<Scenario> Make, Scenario Sample)> picked)
    {
        foreach (var (_, scenario) in picked)
        {
            var bound = scenario.Bound is { } limit ? string.Create(CultureInfo.InvariantCulture, $"deviations ≤ {limit}") : "exhaustive";
            output.WriteLine($"{scenario.Name,-44} {scenario.Threads} threads  {bound,-15}  {scenario.Claim}");
        }

        return ExitCode.Success;
    }

    private int Replay(ExploreRequest request, IReadOnlyList<(Func<Scenario> Make, Scenario Sample)> picked)
    {
        try
        {
            var owner = picked.Select(entry => entry.Sample).FirstOrDefault(scenario => Replayer.IsOf(scenario.Name, request.Replay!))
                ?? throw new CliException("--replay: the token is of none of the scenarios of this build");
            if (Replayer.Replay(owner, request.Replay!) is not { } report)
            {
                output.WriteLine($"{owner.Name}: the execution is without error");
                return ExitCode.Success;
            }

            Show(request, report);
            return ExitCode.Failed;
        }
        catch (FormatException e)
        {
            throw new CliException($"--replay: {e.Message}");
        }
    }

    private int Mutants(ExploreRequest request, IReadOnlyList<(Func<Scenario> Make, Scenario Sample)> picked)
    {
        var suite = MutantSuites.Find() ?? throw new CliException("--mutants: there are none in this build");
        var names = picked.Select(entry => entry.Sample.Name).ToHashSet(StringComparer.Ordinal);
        var rows = new List<MutantRow>();
        foreach (var row in suite.Run(names.Contains, request.Model))
        {
            rows.Add(row);
            output.WriteLine($"{row.Mutant,-56} {(row.Killed ? "killed by" : "survives"),-10} {row.Scenario,-44} {row.Executions,10} executions{(row.Equivalent ? "  equivalent" : "")}");
        }

        if (request.Json != null)
            ExploreJson.Write(request.Json, rows);
        if (rows.Count == 0)
            throw new CliException("--mutants: none belongs to the scenarios named");
        var survivors = rows.GroupBy(row => row.Mutant).Where(group => !group.Any(row => row.Killed || row.Equivalent)).Select(group => group.Key).ToList();
        output.WriteLine($"{rows.Count(row => row is { Killed: true, Equivalent: false })} of {rows.Count(row => !row.Equivalent)} mutants killed, {rows.Count(row => row.Equivalent)} equivalent; plain interleavings alone show {rows.Count(row => row is { KilledUnderSc: true, Equivalent: false })}");
        foreach (var survivor in survivors)
            error.WriteLine($"bittree: survives: {survivor}");
        foreach (var row in rows.Where(row => row is { Equivalent: true, Killed: true }))
            error.WriteLine($"bittree: argued to be equivalent, but killed: {row.Mutant} by {row.Scenario}");
        return survivors.Count == 0 ? ExitCode.Success : ExitCode.Failed;
    }

    private int Explore(ExploreRequest request, IReadOnlyList<(Func<Scenario> Make, Scenario Sample)> picked)
    {
        var rows = new List<ExploreRow>();
        for (var number = 0; number < picked.Count; number++)
        {
            // The baton engine divides the seeds, the graph engine the scenarios.
            if (request.Engine == "graph" && number % request.Shards != request.Shard)
                continue;
            var row = request.Engine == "graph" ? OnGraph(request, picked[number].Make, picked[number].Sample) : OnBaton(request, picked[number].Sample);
            rows.Add(row);
            var extent = row.Exhaustive ? "exhaustive" : row.Bound is { } bound ? $"deviations ≤ {bound}" : row.Engine == "baton" ? "sampled" : "cut short";
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{row.Scenario,-44} {(row.Bugs == 0 ? "ok " : "BUG")} {row.Executions,12:N0} executions {row.Blocked,8:N0} blocked  {extent,-15} {row.Seconds,8:0.00} s"));
        }

        _coverage.Write(output);
        if (request.Json != null)
            ExploreJson.Write(request.Json, rows);
        return rows.Exists(row => row.Bugs != 0) ? ExitCode.Failed : ExitCode.Success;
    }

    private ExploreRow OnGraph(ExploreRequest request, Func<Scenario> make, Scenario sample)
    {
        var options = new ExploreOptions { Model = request.Model, Bound = request.Bound, MaxExecutions = request.Iterations ?? long.MaxValue };
        var progress = new ExploreProgress();
        var estimate = SizeEstimate.TextOf(SizeEstimate.Of(sample, options, descents: 50));
        using var ticker = new ProgressTicker(error, () => $"{sample.Name}: {progress.Graphs:N0} of {estimate}");
        var bound = request.Bound ?? sample.Bound;
        var report = bound is { } limit && request.Iterations == null
            ? IterativeDeepening.Explore(make, options, limit, 0, progress, (depth, part) => ticker.Note($"{sample.Name}: D = {depth}: {part.Result.Executions:N0} executions"))
            : ParallelExplorer.Explore(make, options, 0, progress);
        var result = report.Result;
        if (result.Error != null)
            ShowSimplest(request, make(), options, result);
        else
            _coverage.Add(make(), options);
        return new ExploreRow(
            sample.Name, "graph", TextOf(request), result.Executions, result.Blocked, result.IsExhaustive, result.IsExhaustive ? null : bound, result.Error == null ? 0 : 1, report.Elapsed.TotalSeconds);
    }

    private ExploreRow OnBaton(ExploreRequest request, Scenario scenario)
    {
        var options = new BatonOptions { Model = request.Model, Seed = request.Seed, Shard = request.Shard, Shards = request.Shards };
        if (request.Iterations is { } iterations)
            options = options with { Iterations = iterations };
        var progress = new ExploreProgress();
        using var ticker = new ProgressTicker(error, () => $"{scenario.Name}: {progress.Graphs:N0} of {options.Iterations / options.Shards:N0} executions");
        var report = BatonExplorer.Explore(scenario, options, progress);
        if (report.Error is { } bug)
        {
            output.WriteLine($"{scenario.Name}: {bug.Kind} in thread {bug.Thread}: {bug.Text}");
            output.WriteLine($"again with: bittree explore {scenario.Name} --engine baton --model {TextOf(request)} --iterations 1 --seed {report.FailingSeed}");
            if (report.Failure != null)
                Show(request, report.Failure);
        }

        return new ExploreRow(scenario.Name, "baton", TextOf(request), report.Executions, 0, false, null, report.Error == null ? 0 : 1, report.Elapsed.TotalSeconds);
    }

    private void ShowSimplest(ExploreRequest request, Scenario scenario, ExploreOptions options, Model.Engine.ExplorationResult result)
    {
        if (FailureFinder.Find(scenario, options) is { } report)
            Show(request, report);
        else
            output.WriteLine($"{scenario.Name}: {result.Error!.Kind} in thread {result.Error.Thread}: {result.Error.Text}");
    }

    private void Show(ExploreRequest request, FailureReport report)
    {
        output.WriteLine(report.Text);
        if (report.Error.Stack != null)
            output.WriteLine(report.Error.Stack);
        if (request.Html != null)
            File.WriteAllText(request.Html, report.Html);
    }

    private static string TextOf(ExploreRequest request) => request.Model.ToString().ToLowerInvariant();
}
