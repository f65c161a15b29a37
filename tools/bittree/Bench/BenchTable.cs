using System.Globalization;
using Spectre.Console;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>The rows as a table for people; columns that no row has are left out.</summary>
internal static class BenchTable
{
    private const int WidthOfFiles = 190;
    private const string FaultsColumn = "per 1000 (first run): faults";
    private const int OfReplays = 1;
    private const int OfLatency = 2;
    private const int OfCurves = 3;

    private static readonly string[] s_memory = ["peak RSS, MB", "peak / live", "freed, MB", "trimmed, MB", FaultsColumn, "OS calls", "slow paths"];

    private static readonly (string Name, Func<BenchRow, string?> Cell)[] s_columns =
    [
        ("loop", row => row.Loop),
        ("arm", row => row.Arm),
        ("profile", row => row.Profile),
        ("allocator", row => row.Allocator),
        ("x", row => Number(row.Curve?.X, "N0")),
        ("unit", row => row.Curve?.XUnit),
        ("metadata bytes", row => Number(row.Curve?.MetadataBytes, "N0")),
        ("resident / thread", row => Number(row.Curve?.ResidentBytesPerThread, "N0")),
        ("threads", row => row.Replay is null ? row.Threads.ToString(CultureInfo.InvariantCulture) : null),
        ("operations", row => row.Replay is null ? row.Operations.ToString("N0", CultureInfo.InvariantCulture) : null),
        ("ns per op", row => Number(row.NsPerOp, row.NsPerOp < 1000 ? "0.0" : "N0")),
        ("time / ours", row => row.Curve is null ? Ratio(row.TimeOverOurs) : null),
        ("rounds", row => row.Latency is null && row.TimeOverOursLow is { } low && row.TimeOverOursHigh is { } high ? $"{Ratio(low)}–{Ratio(high)}" : null),
        ("conclusion", row => row.Conclusion),
        ("p50, ns", row => Number(row.Latency?.P50, "N0")),
        ("p99", row => Number(row.Latency?.P99, "N0")),
        ("p99.9", row => Number(row.Latency?.P999, "N0")),
        ("p99.99", row => Number(row.Latency?.P9999, "N0")),
        ("max", row => Number(row.Latency?.Max, "N0")),
        ("p99.9 / ours", row => Number(row.Tail?.P999OverOurs, "0.00")),
        ("p99.99 / ours", row => Number(row.Tail?.P9999OverOurs, "0.00")),
        ("p99.9 / control", row => Number(row.P999OverControl, "0.00")),
        ("spread", row => row.TimeOverOursLow is null ? Number(row.Spread, "0.00") : null),
        ("faults per million", row => Number(row.FaultsPerMillion, "N0")),
        ("peak RSS, MB", row => Number(row.PeakRssBytes / 1e6, "0.0;-0.0;0.0")),
        ("faults /1000", row => row.Replay is null && row.Latency is null ? PerThousand(row.FaultsPerOp) : null),
        ("OS calls /1000", row => row.Replay is null && row.Latency is null ? PerThousand(row.OsCallsPerOp) : null),
        ("slow paths /1000", row => PerThousand(row.SlowPathsPerOp)),
        ("max / median level", row => Number(row.LevelsMaxOverMedian, "0.00")),
        ("unsized / sized", row => Ratio(row.UnsizedOverSized ?? row.Replay?.UnsizedOverSized)),
        ("/ best peer", row => Ratio(row.Replay?.TimeOverBestPeer)),
        ("first, ns", row => Number(row.Replay?.ColdNsPerOp, "0.0")),
        ("first / ours", row => Ratio(row.Replay?.ColdOverOurs)),
        ("peak / live", row => Number(row.Replay?.PeakOverLive, "0.000")),
        ("freed, MB", row => Number(row.Replay?.AfterFreeBytes / 1e6, "0.0;-0.0;0.0")),
        ("trimmed, MB", row => Number(row.Replay?.AfterTrimBytes / 1e6, "0.00;-0.00;0.00")),
        (FaultsColumn, row => Pair(row.Replay?.FaultsPer1000, row.Replay?.ColdFaultsPer1000)),
        ("OS calls", row => Pair(row.Replay?.OsCallsPer1000, row.Replay?.ColdOsCallsPer1000)),
        ("slow paths", row => Pair(row.Replay?.SlowPathsPer1000, row.Replay?.ColdSlowPathsPer1000)),
        ("warm-up ops", row => row.Replay is null ? Number(row.WarmUp, "N0") : null),
    ];

    /// <summary>The columns that some of <paramref name="rows"/> has, and their cells.</summary>
    public static IEnumerable<(string Name, bool IsText, Func<BenchRow, string?> Cell)> Columns(IReadOnlyList<BenchRow> rows) =>
        s_columns.Where(column => rows.Any(row => column.Cell(row) is not null)).Select(column => (column.Name, IsText(column.Name), column.Cell));

    /// <summary>Rows of one kind, which have columns in common, kind by kind: those of traces twice, for times and for memory.</summary>
    public static IEnumerable<(IReadOnlyList<BenchRow> Rows, IReadOnlyList<(string Name, bool IsText, Func<BenchRow, string?> Cell)> Columns)> Tables(IReadOnlyList<BenchRow> rows)
    {
        foreach (var kind in rows.GroupBy(KindOf).OrderBy(group => group.Key))
        {
            var own = kind.ToList();
            var columns = Columns(own).ToList();
            if (kind.Key != OfReplays)
            {
                yield return (own, columns);
                continue;
            }

            var times = columns.Where(column => !s_memory.Contains(column.Name)).ToList();
            if (own.Exists(row => row.NsPerOp is not null))
                yield return (own.Where(row => row.NsPerOp is not null).ToList(), times);
            if (columns.Exists(column => column.Name == "peak / live"))
                yield return (own, columns.Where(column => column.Name is "loop" or "profile" or "allocator" || s_memory.Contains(column.Name)).ToList());
        }
    }

    /// <summary>Writes a table per kind of rows.</summary>
    public static void Write(TextWriter output, IReadOnlyList<BenchRow> rows)
    {
        foreach (var (own, columns) in Tables(rows))
            WriteOne(output, own, columns);
    }

    private static int KindOf(BenchRow row) => row.Curve is not null ? OfCurves : row.Replay is not null ? OfReplays : row.Latency is not null ? OfLatency : 0;

    private static void WriteOne(TextWriter output, IReadOnlyList<BenchRow> rows, IReadOnlyList<(string Name, bool IsText, Func<BenchRow, string?> Cell)> columns)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected || !ReferenceEquals(output, Console.Out))
            console.Profile.Width = WidthOfFiles;
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var column in columns)
            table.AddColumn(column.IsText ? new TableColumn(column.Name).NoWrap() : new TableColumn(column.Name).RightAligned());
        foreach (var row in rows)
            table.AddRow(columns.Select(column => new Text(column.Cell(row) ?? "-")));

        console.Write(table);
    }

    private static bool IsText(string column) => column is "loop" or "arm" or "profile" or "allocator" or "conclusion" or "rounds";

    private static string? Pair(double? warm, double? first) =>
        warm is null && first is null ? null : $"{Number(warm, "0.0") ?? "-"} ({Number(first, "0.0") ?? "-"})";

    // Three digits that count: a ratio may be 0.004 as well as 40.
    private static string? Ratio(double? value) => Number(value, value switch { < 0.1 => "0.0000", < 1 => "0.000", < 10 => "0.00", _ => "0.0" });

    private static string? PerThousand(double? perOperation) => Number(perOperation * 1000, perOperation switch { 0 => "0", < 0.1 => "0.000", _ => "N0" });

    private static string? Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture);
}
