using System.Globalization;
using Spectre.Console;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>The rows as a table for people; columns that no row has are left out.</summary>
internal static class BenchTable
{
    private const int WidthOfFiles = 190;

    private static readonly (string Name, Func<BenchRow, string?> Cell)[] s_columns =
    [
        ("loop", row => row.Loop),
        ("arm", row => row.Arm),
        ("profile", row => row.Profile),
        ("allocator", row => row.Allocator),
        ("threads", row => row.Threads.ToString(CultureInfo.InvariantCulture)),
        ("operations", row => row.Operations.ToString("N0", CultureInfo.InvariantCulture)),
        ("ns per op", row => Number(row.NsPerOp, row.NsPerOp < 1000 ? "0.0" : "N0")),
        ("time / ours", row => Ratio(row.TimeOverOurs)),
        ("rounds", row => row.TimeOverOursLow is { } low && row.TimeOverOursHigh is { } high ? $"{Ratio(low)}–{Ratio(high)}" : null),
        ("conclusion", row => row.Conclusion),
        ("p50, ns", row => Number(row.Latency?.P50, "N0")),
        ("p99", row => Number(row.Latency?.P99, "N0")),
        ("p99.9", row => Number(row.Latency?.P999, "N0")),
        ("p99.99", row => Number(row.Latency?.P9999, "N0")),
        ("max", row => Number(row.Latency?.Max, "N0")),
        ("p99.9 / control", row => Number(row.P999OverControl, "0.00")),
        ("spread", row => row.TimeOverOursLow is null ? Number(row.Spread, "0.00") : null),
        ("faults per million", row => Number(row.FaultsPerMillion, "N0")),
        ("peak RSS, MB", row => Number(row.PeakRssBytes / 1e6, "0.0;-0.0;0.0")),
        ("faults /1000", row => PerThousand(row.FaultsPerOp)),
        ("OS calls /1000", row => PerThousand(row.OsCallsPerOp)),
        ("slow paths /1000", row => PerThousand(row.SlowPathsPerOp)),
        ("max / median level", row => Number(row.LevelsMaxOverMedian, "0.00")),
        ("unsized / sized", row => Number(row.UnsizedOverSized, "0.00")),
        ("warm-up ops", row => Number(row.WarmUp, "N0")),
    ];

    /// <summary>Writes the table.</summary>
    public static void Write(TextWriter output, IReadOnlyList<BenchRow> rows)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected || !ReferenceEquals(output, Console.Out))
            console.Profile.Width = WidthOfFiles;
        var table = new Table().Border(TableBorder.Rounded);
        var columns = s_columns.Where(column => rows.Any(row => column.Cell(row) is not null)).ToList();
        foreach (var column in columns)
            table.AddColumn(IsText(column.Name) ? new TableColumn(column.Name).NoWrap() : new TableColumn(column.Name).RightAligned());
        foreach (var row in rows)
            table.AddRow(columns.Select(column => new Text(column.Cell(row) ?? "-")));

        console.Write(table);
    }

    private static bool IsText(string column) => column is "loop" or "arm" or "profile" or "allocator" or "conclusion" or "rounds";

    // Three digits that count: a ratio may be 0.004 as well as 40.
    private static string? Ratio(double? value) => Number(value, value switch { < 0.1 => "0.0000", < 1 => "0.000", < 10 => "0.00", _ => "0.0" });

    private static string? PerThousand(double? perOperation) => Number(perOperation * 1000, perOperation switch { 0 => "0", < 0.1 => "0.000", _ => "N0" });

    private static string? Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture);
}
