using System.Globalization;
using System.Net;
using System.Text;
using BitTreeAlloc.Model.Engine;

namespace BitTreeAlloc.Model.Reports;

/// <summary>A trace as a sequence diagram: a life line per thread, a box per step, an arrow from each store to the reads of other threads. One file, no script, no link.</summary>
internal static class SequenceDiagram
{
    private const int Left = 40;
    private const int Top = 56;
    private const int RowHeight = 26;
    private const int CharWidth = 7;

    /// <summary>The diagram in a page with the error and the verdicts.</summary>
    public static string Page(FailureReport failure)
    {
        var title = WebUtility.HtmlEncode($"{failure.Scenario}: {failure.Error.Kind}");
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n");
        text.Append("<style>body{font:14px system-ui,sans-serif;margin:2em;background:#fff;color:#111}svg{font:12px ui-monospace,monospace}</style></head><body>\n");
        text.Append(CultureInfo.InvariantCulture, $"<h1>{title}</h1>\n<p>{WebUtility.HtmlEncode(failure.Error.Text)}</p>\n");
        text.Append(Svg(failure));
        text.Append(CultureInfo.InvariantCulture, $"<p>{failure.ContextSwitches} context switches, {failure.Steps} steps; {(failure.NeedsWeakMemory ? "needs weak memory" : "explainable by a plain interleaving")}. Allowed by: ");
        text.AppendJoin(", ", failure.Verdicts.Select(pair => $"{TextReport.NameOf(pair.Key)} {(pair.Value ? "yes" : "no")}"));
        text.Append(CultureInfo.InvariantCulture, $".</p>\n<p>Replay: <code>{failure.Token}</code></p>\n</body></html>\n");
        return text.ToString();
    }

    /// <summary>The diagram alone.</summary>
    public static string Svg(FailureReport failure)
    {
        var trace = failure.Trace;
        var rows = TextReport.RowsOf(failure.Line);
        var cells = new string[rows.Length];
        var widths = new int[trace.Threads];
        Array.Fill(widths, 100);
        for (var number = 0; number < cells.Length; number++)
        {
            cells[number] = StepText.Of(trace.Steps[number], rows, failure.Line.Missed.GetValueOrDefault(number, -1));
            var thread = trace.Steps[number].Thread;
            widths[thread] = Math.Max(widths[thread], (cells[number].Length * CharWidth) + 24);
        }

        var columns = new int[trace.Threads + 1];
        columns[0] = Left;
        for (var thread = 0; thread < trace.Threads; thread++)
            columns[thread + 1] = columns[thread] + widths[thread] + 48;
        var height = Top + ((rows.Length + 1) * RowHeight);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{columns[^1] + 20}\" height=\"{height}\" viewBox=\"0 0 {columns[^1] + 20} {height}\">\n");
        svg.Append("<defs><marker id=\"a\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" fill=\"#2563eb\"/></marker></defs>\n");
        AppendLifeLines(svg, trace, columns, widths, height);
        AppendArrows(svg, failure, rows, columns, widths);
        for (var number = 0; number < cells.Length; number++)
            AppendBox(svg, failure, number, cells[number], columns[trace.Steps[number].Thread], rows[number], widths[trace.Steps[number].Thread]);
        return svg.Append("</svg>\n").ToString();
    }

    private static void AppendLifeLines(StringBuilder svg, ExecutionTrace trace, int[] columns, int[] widths, int height)
    {
        for (var thread = 0; thread < trace.Threads; thread++)
        {
            var middle = columns[thread] + (widths[thread] / 2);
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{middle}\" y=\"24\" text-anchor=\"middle\" font-weight=\"bold\">thread {thread}</text>\n");
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{middle}\" y1=\"34\" x2=\"{middle}\" y2=\"{height - 8}\" stroke=\"#999\" stroke-dasharray=\"4 4\"/>\n");
        }
    }

    private static void AppendArrows(StringBuilder svg, FailureReport failure, int[] rows, int[] columns, int[] widths)
    {
        for (var number = 0; number < rows.Length; number++)
        {
            var step = failure.Trace.Steps[number];
            if (!step.Reads || step.Source < 0 || failure.Trace.Steps[step.Source].Thread == step.Thread)
                continue;
            var from = failure.Trace.Steps[step.Source].Thread;
            var x1 = from < step.Thread ? columns[from] + widths[from] : columns[from];
            var x2 = from < step.Thread ? columns[step.Thread] : columns[step.Thread] + widths[step.Thread];
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{x1}\" y1=\"{Middle(rows[step.Source])}\" x2=\"{x2}\" y2=\"{Middle(rows[number])}\" stroke=\"#2563eb\" marker-end=\"url(#a)\"/>\n");
        }
    }

    private static void AppendBox(StringBuilder svg, FailureReport failure, int number, string cell, int x, int row, int width)
    {
        var step = failure.Trace.Steps[number];
        var fill = failure.Line.Missed.ContainsKey(number) ? "#fecaca" : step.Kind == EventKind.Read && !step.Wrote ? "#eff6ff" : step.Writes ? "#ecfccb" : "#f3f4f6";
        svg.Append(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{Middle(row) - 10}\" width=\"{width}\" height=\"20\" rx=\"3\" fill=\"{fill}\" stroke=\"#555\"/>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x + 8}\" y=\"{Middle(row) + 4}\">{WebUtility.HtmlEncode(cell)}</text>");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 8}\" y=\"{Middle(row) + 4}\" text-anchor=\"end\" fill=\"#777\">{row}</text>\n");
    }

    private static int Middle(int row) => Top + ((row - 1) * RowHeight) + (RowHeight / 2);
}
