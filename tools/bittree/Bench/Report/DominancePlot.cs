using System.Globalization;
using BitTreeAlloc.Tool.Bench.Replays;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>
/// Time against memory over the traces: a dot per profile of ours, and one per other allocator, whose times beside each profile are drawn together. Who stands within the shade of ours is better in both.
/// </summary>
internal static class DominancePlot
{
    private const double Width = 900;
    private const double Height = 400;
    private const double Left = 62;
    private const double Right = 560;
    private const double Top = 26;
    private const double Floor = 356;
    private const double LabelRow = 17;
    private const double NameWidth = 150;

    /// <summary>A dot.</summary>
    internal readonly record struct Point(string Label, string Allocator, double Time, double Memory);

    /// <summary>The drawing; null where no allocator has both figures.</summary>
    public static string? Draw(IReadOnlyList<BenchRow> rows, Palette palette)
    {
        var points = Points(rows);
        if (points.Count == 0)
            return null;
        var svg = new Svg(Width, Math.Max(Height, Top + (points.Count * LabelRow) + 20));
        var x = new LogScale(points.Select(point => point.Time).Append(1), Left, Right);
        var y = new LogScale(points.Select(point => point.Memory).Append(1), Floor, Top);
        foreach (var ours in points.Where(point => point.Allocator == ContenderCatalog.BitTree))
            svg.Rectangle(Left, y.Map(ours.Memory), x.Map(ours.Time) - Left, Floor - y.Map(ours.Memory), "shade");
        foreach (var tick in x.Ticks(40))
        {
            svg.Line(x.Map(tick), Top, x.Map(tick), Floor, "grid");
            svg.Text(x.Map(tick), Floor + 16, LogScale.Label(tick), Anchor.Middle, "dim");
        }

        foreach (var tick in y.Ticks(18))
        {
            svg.Line(Left, y.Map(tick), Right, y.Map(tick), "grid");
            svg.Text(Left - 6, y.Map(tick) + 4, LogScale.Label(tick), Anchor.End, "dim");
        }

        svg.Text(4, 14, "peak RSS / peak live, geometric mean", style: "dim");
        svg.Text((Left + Right) / 2, Floor + 34, "time / best peer of each trace, geometric mean", Anchor.Middle, "dim");
        Labels(svg, points, x, y, palette);
        return svg.ToElement("time against memory over all traces");
    }

    /// <summary>Ours once per profile, others once.</summary>
    internal static List<Point> Points(IReadOnlyList<BenchRow> rows)
    {
        var means = rows.Where(row => row.Loop == TraceSummary.Loop && row.Replay is { TimeOverBestPeer: not null, PeakOverLive: not null }).ToList();
        var ours = means.Where(row => row.Allocator == ContenderCatalog.BitTree).Select(row => new Point($"{row.Allocator} {row.Profile}", row.Allocator, row.Replay!.TimeOverBestPeer!.Value, row.Replay.PeakOverLive!.Value));
        var others = means.Where(row => row.Allocator != ContenderCatalog.BitTree).GroupBy(row => row.Allocator)
            .Select(group => new Point(group.Key, group.Key, TraceSummary.GeometricMean(group.Select(row => row.Replay!.TimeOverBestPeer))!.Value, TraceSummary.GeometricMean(group.Select(row => row.Replay!.PeakOverLive)) ?? 0));
        return [.. ours.Concat(others).Where(point => point is { Time: > 0, Memory: > 0 })];
    }

    // Names stand in a column beside the plot, in the order of the dots from above, each tied to its dot.
    private static void Labels(Svg svg, List<Point> points, LogScale x, LogScale y, Palette palette)
    {
        var next = Top + 8;
        foreach (var point in points.OrderBy(point => y.Map(point.Memory)).ThenBy(point => point.Time))
        {
            var at = Math.Max(next, Math.Min(y.Map(point.Memory), Floor - 8));
            next = at + LabelRow;
            svg.Line(x.Map(point.Time), y.Map(point.Memory), Right + 14, at, "leader");
            svg.Text(Right + 18, at + 4, string.Create(CultureInfo.InvariantCulture, $"{Svg.Cut(point.Label, NameWidth)}: time {point.Time:0.00}, memory {point.Memory:0.00}"));
            svg.Dot(x.Map(point.Time), y.Map(point.Memory), point.Allocator == ContenderCatalog.BitTree ? 6 : 5, palette.Fill(point.Allocator), point.Label);
        }
    }
}
