using System.Globalization;
using System.Security;
using System.Text;
using BitTreeAlloc.Bench.Timing;

namespace BitTreeAlloc.Bench.Twin;

/// <summary>The ratios of a sweep as an SVG picture: a group of bars per loop, a bar per variant, a whisker over the middle half of the rounds, a line at 1.</summary>
internal static class RatioPicture
{
    private const int Left = 50;
    private const int Bottom = 260;
    private const int Height = 200;
    private const int Bar = 22;
    private const int Gap = 30;

    private static readonly string[] s_colours = ["#4e79a7", "#f28e2b", "#59a14f", "#e15759", "#76b7b2", "#b07aa1", "#9c755f"];

    /// <summary>The picture, self-contained.</summary>
    public static string Draw(string title, IReadOnlyList<Table> tables)
    {
        var most = Math.Max(1.1, tables.Max(table => table.Rows.Max(row => row.RatiosTo(table.Rows[0]).At(0.75)))) * 1.05;
        var width = Left + tables.Sum(table => (table.Rows.Count * Bar) + Gap) + Gap;
        var svg = new StringBuilder();
        svg.AppendLine(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{Bottom + 40 + (18 * tables[0].Rows.Count)}\" font-family=\"sans-serif\" font-size=\"12\">");
        svg.AppendLine(CultureInfo.InvariantCulture, $"<rect width=\"100%\" height=\"100%\" fill=\"white\"/><text x=\"{Left}\" y=\"20\" font-size=\"14\">{SecurityElement.Escape(title)}</text>");
        var x = Left + Gap;
        foreach (var table in tables)
        {
            for (var number = 0; number < table.Rows.Count; number++, x += Bar)
            {
                var ratios = table.Rows[number].RatiosTo(table.Rows[0]);
                var middle = x + (Bar / 2) - 2;
                svg.AppendLine(CultureInfo.InvariantCulture, $"<rect x=\"{x}\" y=\"{Y(ratios.Median):f1}\" width=\"{Bar - 4}\" height=\"{Bottom - Y(ratios.Median):f1}\" fill=\"{s_colours[number % s_colours.Length]}\"/>");
                svg.AppendLine(CultureInfo.InvariantCulture, $"<line x1=\"{middle}\" x2=\"{middle}\" y1=\"{Y(ratios.At(0.25)):f1}\" y2=\"{Y(ratios.At(0.75)):f1}\" stroke=\"black\"/>");
            }

            svg.AppendLine(CultureInfo.InvariantCulture, $"<text x=\"{x - (table.Rows.Count * Bar)}\" y=\"{Bottom + 16}\">{SecurityElement.Escape(table.Loop.Split(',')[0])}</text>");
            x += Gap;
        }

        svg.AppendLine(CultureInfo.InvariantCulture, $"<line x1=\"{Left}\" x2=\"{width}\" y1=\"{Y(1):f1}\" y2=\"{Y(1):f1}\" stroke=\"#888\" stroke-dasharray=\"4 3\"/><text x=\"20\" y=\"{Y(1) + 4:f1}\">1.0</text>");
        for (var number = 0; number < tables[0].Rows.Count; number++)
        {
            var y = Bottom + 40 + (18 * number);
            svg.AppendLine(CultureInfo.InvariantCulture, $"<rect x=\"{Left}\" y=\"{y - 10}\" width=\"12\" height=\"12\" fill=\"{s_colours[number % s_colours.Length]}\"/><text x=\"{Left + 18}\" y=\"{y}\">{SecurityElement.Escape(tables[0].Rows[number].Name)}</text>");
        }

        return svg.AppendLine("</svg>").ToString();

        double Y(double ratio) => Bottom - (Height * ratio / most);
    }
}
