using System.Globalization;
using Spectre.Console;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>The rows as a table for people; columns that no row has are left out.</summary>
internal static class BenchTable
{
    private const int WidthOfFiles = 180;

    private static readonly (string Name, Func<BenchRow, string?> Cell)[] s_columns =
    [
        ("threads", row => row.Threads.ToString(CultureInfo.InvariantCulture)),
        ("operations", row => row.Operations.ToString("N0", CultureInfo.InvariantCulture)),
        ("ns per op", row => Number(row.NsPerOp, "0.0")),
        ("time / ours", row => Number(row.TimeOverOurs, "0.000")),
        ("p50, ns", row => Number(row.Latency?.P50, "N0")),
        ("p99", row => Number(row.Latency?.P99, "N0")),
        ("p99.9", row => Number(row.Latency?.P999, "N0")),
        ("p99.99", row => Number(row.Latency?.P9999, "N0")),
        ("max", row => Number(row.Latency?.Max, "N0")),
        ("p99.9 / control", row => Number(row.P999OverControl, "0.00")),
        ("spread", row => Number(row.Spread, "0.00")),
        ("faults per million", row => Number(row.FaultsPerMillion, "N0")),
    ];

    /// <summary>Writes the table.</summary>
    public static void Write(TextWriter output, IReadOnlyList<BenchRow> rows)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected || !ReferenceEquals(output, Console.Out))
            console.Profile.Width = WidthOfFiles;
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var name in (string[])["loop", "arm", "allocator"])
            table.AddColumn(new TableColumn(name).NoWrap());
        var columns = s_columns.Where(column => rows.Any(row => column.Cell(row) is not null)).ToList();
        foreach (var column in columns)
            table.AddColumn(new TableColumn(column.Name).RightAligned());
        foreach (var row in rows)
        {
            var who = row.Profile is null ? row.Allocator : $"{row.Allocator} {row.Profile}";
            table.AddRow(((string[])[row.Loop, row.Arm, who]).Concat(columns.Select(column => column.Cell(row) ?? "-")).Select(cell => new Text(cell)));
        }

        console.Write(table);
    }

    private static string? Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture);
}
