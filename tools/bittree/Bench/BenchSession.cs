using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Replays;
using BitTreeAlloc.Tool.Bench.Report;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Output;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>Does what 'bittree bench' was asked for.</summary>
internal sealed class BenchSession(TextWriter output, TextWriter error)
{
    /// <summary>Measures, writes the table, the conclusions and the JSON file; returns the exit code.</summary>
    public int Run(BenchRequest request)
    {
        if (request.Loops.Count == 0)
        {
            foreach (var group in BenchCatalog.Loops.GroupBy(loop => loop.Group))
            {
                output.WriteLine($"{group.Key}:");
                foreach (var loop in group)
                    output.WriteLine($"  {loop.Name,-28} {loop.Summary}");
            }

            return ExitCode.Success;
        }

        var json = request.Json is { } path ? new JsonReport(path) : null;
        var html = request.Html is { } page ? new OutputFile("--html", page) : null;
        if (html is not null && json?.IsSame(html) == true)
            throw new CliException($"--html: '{request.Html}' is the file of --json too; use another");
        var named = request.Loops.Select(name => BenchCatalog.Find(name)!).ToList();
        if (!TryLoad(request, named, out var loops))
            return ExitCode.BadInput;
        if (loops.Exists(loop => loop.ComparesAllocators))
        {
            foreach (var name in BenchContenders.Prepare(request))
                error.WriteLine($"bittree: {name} is not installed here and gets no row ({ContenderCatalog.WhereToGet(name)})");
        }

        var rows = new List<BenchRow>();
        var conclusions = new List<string>();
        var failures = new List<string>();
        foreach (var loop in loops)
        {
            foreach (var profile in request.Profiles)
                Measure(loop, profile, request.RoundsAreGiven ? request : request with { Rounds = loop.DefaultRounds }, rows, conclusions, failures);
        }

        rows.AddRange(TraceSummary.Means(rows).ToList());
        conclusions.AddRange(TraceSummary.Conclusions(rows));
        foreach (var line in failures)
            error.WriteLine($"bittree: {line}");
        BenchTable.Write(output, rows);
        foreach (var line in conclusions)
            output.WriteLine(line);
        json?.Write(rows, BenchJson.Write);
        html?.Write(stream => HtmlReport.Write(stream, rows, conclusions, failures, MachineFacts.Read(request)));
        return failures.Count == 0 ? ExitCode.Success : ExitCode.Failed;
    }

    private bool TryLoad(BenchRequest request, List<IBenchLoop> named, out List<IBenchLoop> loops)
    {
        var good = true;
        var traces = !named.Exists(loop => loop.ReadsTraces) ? [] : NamedTrace.Load(request.Files, problem =>
        {
            error.WriteLine($"bittree: {problem}");
            good = false;
        });
        loops = [.. named.SelectMany(loop => loop.Over(traces))];
        return good;
    }

    private void Measure(IBenchLoop loop, Profile profile, BenchRequest request, List<BenchRow> rows, List<string> conclusions, List<string> failures)
    {
        using var series = loop.Start(request, profile);
        ProgressReporter.Run(error, (series.Arms.Count * (request.Rounds + 1)) + series.FinishSteps, progress =>
            BenchRunner.Run(series, request.Rounds, arm =>
            {
                progress.Activity = $"{loop.Name}, {profile}: {arm}";
                progress.Step();
            }));
        rows.AddRange(series.Rows());
        failures.AddRange(series.Failures.Select(line => $"{loop.Name}, {profile}: {line}"));
        conclusions.AddRange(series.Conclusions().Select(line => $"{loop.Name}, {profile}: {line}"));
    }
}
