using System.Globalization;
using Spectre.Console;

namespace BitTreeAlloc.Tool.Output;

/// <summary>The rows as a table for people.</summary>
internal static class ResultTable
{
    private const int WidthOfFiles = 160;

    private const string Legend =
        "Memory: growth of a fresh process that touches every requested byte, less that of a run without allocations. Trim: bittree parks its caches "
        + "and calls Trim; the others make the call of their own (malloc_trim, mi_collect, arena purge, ReleaseFreeMemory) on the first thread.";

    /// <summary>Writes the table.</summary>
    public static void Write(TextWriter output, IReadOnlyList<ResultRow> rows, bool verified)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (Console.IsOutputRedirected || !ReferenceEquals(output, Console.Out))
            console.Profile.Width = WidthOfFiles;
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var name in (string[])["trace", "mode", "allocator"])
            table.AddColumn(new TableColumn(name).NoWrap());
        foreach (var name in (string[])["ns per event", "time / native", "peak RSS / peak live", "after free, MB", "after Trim, MB"])
            table.AddColumn(new TableColumn(name).RightAligned());
        var levels = rows.Any(row => row.RatioToFast is not null);
        if (levels)
            table.AddColumn(new TableColumn("checked / fast").RightAligned());
        if (verified)
            table.AddColumn(new TableColumn("verified").NoWrap());
        foreach (var row in rows)
            table.AddRow(Cells(row, levels, verified).Select(c => new Text(c)));
        console.Write(table);
        if (rows.Any(r => r.Memory is not null))
            console.Write(new Text(Legend + Environment.NewLine));
    }

    private static IEnumerable<string> Cells(ResultRow row, bool levels, bool verified)
    {
        yield return row.Trace;
        yield return row.Mode;
        yield return row.Label;
        yield return Number(row.NsPerEvent, "0.00");
        yield return Number(row.RatioToNative, "0.000");
        yield return Number(row.PeakLiveBytes == 0 ? null : (double?)row.Memory?.Peak / row.PeakLiveBytes, "0.00");
        yield return Number((double?)row.Memory?.AfterFree / 1e6, "0.00");
        yield return Number((double?)row.Memory?.AfterTrim / 1e6, "0.00");
        if (levels)
            yield return Number(row.RatioToFast, "0.000");
        if (verified)
            yield return row is { Errors: 0, LeftOver: 0 } ? "ok" : $"{row.Errors} errors, {row.LeftOver} left over";
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "-";
}
