using System.Text;
using BitTreeAlloc.Tool.Bench.Replays;

namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>
/// The rows as one page that needs nothing else: drawings, tables, what was measured on. It is well-formed XML, has no script, asks no other place for anything, and follows the reader's choice of
/// light or dark.
/// </summary>
internal static class HtmlReport
{
    private const string Style = """
        :root{color-scheme:light dark;--bg:#fdfdfc;--fg:#1d1f21;--dim:#60656b;--grid:#e3e3df;--shade:#2b6cb01a;--c0:#1f5fbf;--c1:#8a8d91;--c2:#d9822b;--c3:#3a9a5b;--c4:#b4447c;--c5:#7a5cc0;--c6:#a98b00;--c7:#2199a8;--c8:#9c5a3c}
        @media (prefers-color-scheme:dark){:root{--bg:#16181b;--fg:#e6e6e3;--dim:#9aa0a6;--grid:#30343a;--shade:#7fb0ff1f;--c0:#6ea8ff;--c1:#9a9ea3;--c2:#f0a55a;--c3:#6fc98d;--c4:#e283b4;--c5:#b09af0;--c6:#d8bd45;--c7:#5cc8d6;--c8:#d0906f}}
        body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:0 auto;max-width:1000px;padding:1rem}
        h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}p,li,figcaption{max-width:75ch}figure{margin:1rem 0}
        svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--fg)}svg text.dim{fill:var(--dim)}svg text.head{font-weight:600;paint-order:stroke;stroke:var(--bg);stroke-width:4px}
        .grid{stroke:var(--grid);stroke-width:1}.one{stroke:var(--fg);stroke-width:1.2}.whisker{stroke:var(--fg);stroke-width:1}.leader{stroke:var(--dim);stroke-width:.6}.shade{fill:var(--shade)}
        .line{fill:none;stroke-width:2;stroke-linejoin:round}.dash{stroke-dasharray:5 4}.hatch{stroke:var(--bg);stroke-width:3}
        .scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}th,td{padding:.2rem .55rem;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
        th{color:var(--dim);font-weight:600;text-align:right}.t{text-align:left}tr.ours td{font-weight:600}dt{color:var(--dim)}dd{margin:0 0 .4rem 1rem}
        """;

    /// <summary>Writes the page.</summary>
    /// <param name="stream">Where to.</param>
    /// <param name="rows">The figures.</param>
    /// <param name="conclusions">Sentences about them.</param>
    /// <param name="failures">What went wrong.</param>
    /// <param name="facts">What they were measured on: names and values.</param>
    public static void Write(Stream stream, IReadOnlyList<BenchRow> rows, IReadOnlyList<string> conclusions, IReadOnlyList<string> failures, IReadOnlyList<(string Name, string Value)> facts)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width\"/><title>bittree bench</title>\n<style>\n");
        for (var colour = 0; colour < Palette.Colours; colour++)
            page.Append($".f{colour}{{fill:var(--c{colour})}}.s{colour}{{stroke:var(--c{colour})}}");
        page.Append('\n').Append(Style).Append("\n</style></head>\n<body>\n<h1>bittree bench</h1>\n");
        page.Append("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"0\" height=\"0\" style=\"position:absolute;width:0\" aria-hidden=\"true\"><defs><pattern id=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\" class=\"hatch\"/></pattern></defs></svg>\n");
        List(page, "What went wrong", failures);
        Drawings(page, rows);
        List(page, "In words", conclusions);
        Tables(page, rows);
        page.Append("<h2>Measured on</h2>\n<dl>");
        foreach (var (name, value) in facts)
            page.Append($"<dt>{Svg.Escape(name)}</dt><dd>{Svg.Escape(value)}</dd>");
        page.Append("</dl>\n</body></html>\n");
        stream.Write(Encoding.UTF8.GetBytes(page.ToString()));
    }

    private static void Drawings(StringBuilder page, IReadOnlyList<BenchRow> rows)
    {
        var palette = new Palette(rows);
        var bars = BarChart.Draw(rows, palette).ToList();
        if (bars.Count != 0)
            Figure(page, "Time over ours", "How many times as long as BitTreeAlloc each allocator takes, on a logarithmic axis: a bar to the right of 1 is slower than ours, to the left faster. Whiskers: lowest and highest round. Hatched, with a question mark: the rounds lie on both sides of 1, no conclusion.", bars);
        if (DominancePlot.Draw(rows, palette) is { } plot)
            Figure(page, "Time against memory, traces", "Down and to the left is better. Whoever stands in the shade of one of our profiles is better than it in both. Every byte is touched for the memory figure, the first byte of each object for the time.", [plot]);
        foreach (var kind in rows.Where(row => row.Tail?.Ccdf is not null).GroupBy(row => (row.Loop, row.Profile)))
        {
            var lines = kind.Select((row, at) => new ChartLine(row.Arm ?? row.Allocator, row.Arm is null ? palette.NumberOf(row.Allocator) : at, [.. row.Tail!.Ccdf!.Select(point => (Math.Max(1, point.Ns), point.Fraction))])).ToList();
            Figure(page, $"Latency: {kind.Key.Loop}, {kind.Key.Profile}", "The part of all samples that took longer than x. Further left and down is better.", [LineChart.Draw("latency", "nanoseconds", "part of the samples above", lines, dots: false)]);
        }

        foreach (var curve in rows.Where(row => row.Curve is not null).GroupBy(row => row.Loop))
        {
            var lines = curve.GroupBy(row => (row.Profile, row.Arm)).Select((line, at) => new ChartLine(
                line.Key.Arm is null ? line.Key.Profile ?? "" : $"{line.Key.Profile}, {line.Key.Arm}", at, [.. line.OrderBy(row => row.Curve!.X).Select(row => (row.Curve!.X, row.NsPerOp ?? 0))])).ToList();
            Figure(page, curve.Key, $"{BenchCatalog.Find(curve.Key)?.Summary ?? ""} Nanoseconds as {curve.First().Curve!.XUnit} grow: flat is better.", [LineChart.Draw(curve.Key, curve.First().Curve!.XUnit, "ns per operation", lines, dots: true)]);
        }
    }

    private static void Figure(StringBuilder page, string title, string says, IReadOnlyList<string> drawings)
    {
        page.Append($"<h2>{Svg.Escape(title)}</h2>\n<figure><figcaption>{Svg.Escape(says)}</figcaption>\n");
        foreach (var drawing in drawings)
            page.Append(drawing);
        page.Append("</figure>\n");
    }

    private static void List(StringBuilder page, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0)
            return;
        page.Append($"<h2>{Svg.Escape(title)}</h2>\n<ul>");
        foreach (var line in lines)
            page.Append($"<li>{Svg.Escape(line)}</li>");
        page.Append("</ul>\n");
    }

    private static void Tables(StringBuilder page, IReadOnlyList<BenchRow> rows)
    {
        page.Append("<h2>Figures</h2>\n<p>Times are of warm runs: each allocator has run the loop before. Loops whose name or summary says touched write to what they get; traces write the first byte where time is measured, every byte where memory is. \"First\" is the first run in a fresh process. A dash: not measured.</p>\n");
        foreach (var (own, columns) in BenchTable.Tables(rows))
        {
            page.Append("<div class=\"scroll\"><table><thead><tr>");
            foreach (var column in columns)
                page.Append($"<th{(column.IsText ? " class=\"t\"" : "")}>{Svg.Escape(column.Name)}</th>");
            page.Append("</tr></thead><tbody>\n");
            foreach (var row in own)
            {
                page.Append(row.Allocator == Replay.ContenderCatalog.BitTree ? "<tr class=\"ours\">" : "<tr>");
                foreach (var column in columns)
                    page.Append($"<td{(column.IsText ? " class=\"t\"" : "")}>{Svg.Escape(column.Cell(row) ?? "-")}</td>");
                page.Append("</tr>\n");
            }

            page.Append("</tbody></table></div>\n");
        }
    }
}
