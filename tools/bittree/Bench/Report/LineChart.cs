namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>One line of a chart.</summary>
/// <param name="Label">Its name.</param>
/// <param name="Style">The number of its colour.</param>
/// <param name="Points">From left to right; those not above 0 have no place on logarithmic axes and are left out.</param>
internal sealed record ChartLine(string Label, int Style, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Lines on two logarithmic axes, with a legend on the right.</summary>
internal static class LineChart
{
    private const double Width = 900;
    private const double PlotHeight = 300;
    private const double Left = 62;
    private const double Legend = 230;
    private const double Top = 26;
    private const double Bottom = 44;
    private const double LegendRow = 17;

    /// <summary>The drawing.</summary>
    public static string Draw(string name, string xName, string yName, IReadOnlyList<ChartLine> lines, bool dots)
    {
        var shown = lines.Select(line => line with { Points = [.. line.Points.Where(point => point.X > 0 && point.Y > 0)] }).Where(line => line.Points.Count != 0).ToList();
        var plot = Math.Max(PlotHeight, shown.Count * LegendRow);
        var svg = new Svg(Width, Top + plot + Bottom);
        var (right, floor) = (Width - Legend, Top + plot);
        var x = new LogScale(shown.SelectMany(line => line.Points.Select(point => point.X)), Left, right);
        var y = new LogScale(shown.SelectMany(line => line.Points.Select(point => point.Y)), floor, Top);
        foreach (var tick in x.Ticks(44))
        {
            svg.Line(x.Map(tick), Top, x.Map(tick), floor, "grid");
            svg.Text(x.Map(tick), floor + 16, LogScale.Label(tick), Anchor.Middle, "dim");
        }

        foreach (var tick in y.Ticks(18))
        {
            svg.Line(Left, y.Map(tick), right, y.Map(tick), "grid");
            svg.Text(Left - 6, y.Map(tick) + 4, LogScale.Label(tick), Anchor.End, "dim");
        }

        svg.Text(4, 14, yName, style: "dim");
        svg.Text((Left + right) / 2, floor + 34, xName, Anchor.Middle, "dim");
        for (var i = 0; i < shown.Count; i++)
        {
            var line = shown[i];
            var dash = line.Style >= Palette.Colours ? " dash" : "";
            svg.Path(line.Points.Select(point => (x.Map(point.X), y.Map(point.Y))), $"line s{line.Style % Palette.Colours}{dash}");
            foreach (var (px, py) in dots ? line.Points : [])
                svg.Dot(x.Map(px), y.Map(py), 3, $"f{line.Style % Palette.Colours}", $"{line.Label}: {LogScale.Label(px)}, {LogScale.Label(py)}");
            var at = Top + (i * LegendRow) + 8;
            svg.Line(right + 14, at, right + 34, at, $"line s{line.Style % Palette.Colours}{dash}");
            svg.Text(right + 40, at + 4, Svg.Cut(line.Label, Legend - 44));
        }

        return svg.ToElement(name);
    }
}
