using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Output;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>Does what 'bittree bench' was asked for.</summary>
internal sealed class BenchSession(TextWriter output, TextWriter error)
{
    /// <summary>Measures, writes the table, the conclusions and the JSON file; returns the exit code.</summary>
    public int Run(BenchRequest request)
    {
        if (request.Loops.Count == 0)
        {
            foreach (var loop in BenchCatalog.Loops)
                output.WriteLine($"{loop.Name,-16} {loop.Summary}");
            return ExitCode.Success;
        }

        var json = request.Json is { } path ? new JsonReport(path) : null;
        var rows = new List<BenchRow>();
        var conclusions = new List<string>();
        var loops = request.Loops.Select(name => BenchCatalog.Find(name)!).ToList();
        foreach (var loop in loops)
        {
            foreach (var profile in request.Profiles)
                Measure(loop, profile, request, rows, conclusions);
        }

        BenchTable.Write(output, rows);
        foreach (var line in conclusions)
            output.WriteLine(line);
        json?.Write(rows, BenchJson.Write);
        return ExitCode.Success;
    }

    private void Measure(IBenchLoop loop, Profile profile, BenchRequest request, List<BenchRow> rows, List<string> conclusions)
    {
        using var series = loop.Start(request, profile);
        ProgressReporter.Run(error, series.Arms.Count * (request.Rounds + 1), progress =>
            BenchRunner.Run(series, request.Rounds, arm =>
            {
                progress.Activity = $"{loop.Name}, {profile}: {arm}";
                progress.Step();
            }));
        rows.AddRange(series.Rows());
        conclusions.AddRange(series.Conclusions().Select(line => $"{loop.Name}, {profile}: {line}"));
    }
}
