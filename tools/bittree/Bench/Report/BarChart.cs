using System.Globalization;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>Time over ours, a bar per allocator, in blocks by loop and profile. Bars begin at 1, which is ours; whiskers are the rounds; hatched is what allows no conclusion.</summary>
internal static class BarChart
{
    private const double Width = 900;
    private const double Names = 130;
    private const double Values = 150;
    private const double RowHeight = 17;
    private const double BarHeight = 11;
    private const double HeadHeight = 24;
    private const double AxisHeight = 22;
    private const int RowsPerDrawing = 60;

    /// <summary>The drawings: several where there are many rows, on one scale.</summary>
    public static IEnumerable<string> Draw(IReadOnlyList<BenchRow> rows, Palette palette)
    {
        var blocks = rows.Where(HasBar).GroupBy(row => (row.Loop, row.Profile)).Select(block => block.ToList()).ToList();
        if (blocks.Count == 0)
            yield break;
        var all = blocks.SelectMany(block => block).ToList();
        var values = all.SelectMany(row => (double[])[row.TimeOverOurs!.Value, row.TimeOverOursLow ?? 1, row.TimeOverOursHigh ?? 1]).Append(0.8).Append(1.5);
        var scale = new LogScale(values, Names, Width - Values);
        foreach (var drawing in Split(blocks))
            yield return DrawOne(drawing, scale, palette);
    }

    /// <summary>Rows that compare a time with ours.</summary>
    private static bool HasBar(BenchRow row) => row.TimeOverOurs is > 0 && row.Allocator != ContenderCatalog.BitTree && row.Curve is null;

    private static IEnumerable<List<List<BenchRow>>> Split(List<List<BenchRow>> blocks)
    {
        var drawing = new List<List<BenchRow>>();
        foreach (var block in blocks)
        {
            if (drawing.Count != 0 && drawing.Sum(one => one.Count + 1) + block.Count > RowsPerDrawing)
            {
                yield return drawing;
                drawing = [];
            }

            drawing.Add(block);
        }

        yield return drawing;
    }

    private static string DrawOne(List<List<BenchRow>> blocks, LogScale scale, Palette palette)
    {
        var height = AxisHeight + blocks.Sum(block => HeadHeight + (block.Count * RowHeight)) + 6;
        var svg = new Svg(Width, height);
        foreach (var tick in scale.Ticks(36))
        {
            svg.Line(scale.Map(tick), AxisHeight - 4, scale.Map(tick), height - 4, "grid");
            svg.Text(scale.Map(tick), AxisHeight - 8, LogScale.Label(tick), Anchor.Middle, "dim");
        }

        svg.Line(scale.Map(1), AxisHeight - 4, scale.Map(1), height - 4, "one");
        var y = AxisHeight;
        foreach (var block in blocks)
        {
            var (loop, profile) = (block[0].Loop, block[0].Profile);
            svg.Text(4, y + 17, Svg.Cut(profile is null ? loop : $"{loop}, {profile}", Width - 8), style: "head");
            y += HeadHeight;
            foreach (var row in block)
            {
                Bar(svg, row, y, scale, palette);
                y += RowHeight;
            }
        }

        return svg.ToElement("time over ours, by loop");
    }

    private static void Bar(Svg svg, BenchRow row, double y, LogScale scale, Palette palette)
    {
        var middle = y + (RowHeight / 2);
        var (one, end) = (scale.Map(1), scale.Map(row.TimeOverOurs!.Value));
        var (left, wide) = (Math.Min(one, end), Math.Max(1, Math.Abs(end - one)));
        svg.Text(Names - 6, middle + 4, Svg.Cut(row.Allocator, Names - 10), Anchor.End);
        svg.Rectangle(left, middle - (BarHeight / 2), wide, BarHeight, palette.Fill(row.Allocator));
        if (row.Conclusion == RoundRatios.None)
            svg.Hatch(left, middle - (BarHeight / 2), wide, BarHeight);
        if (row.TimeOverOursLow is { } low && row.TimeOverOursHigh is { } high)
        {
            svg.Line(scale.Map(low), middle, scale.Map(high), middle, "whisker");
            svg.Line(scale.Map(low), middle - 3, scale.Map(low), middle + 3, "whisker");
            svg.Line(scale.Map(high), middle - 3, scale.Map(high), middle + 3, "whisker");
        }

        var text = string.Create(CultureInfo.InvariantCulture, $"{row.TimeOverOurs:0.00}{(row.NsPerOp is { } ns ? $"  {LogScale.Label(ns)} ns" : "")}{(row.Conclusion == RoundRatios.None ? " ?" : "")}");
        svg.Text(Width - Values + 8, middle + 4, text);
    }
}
