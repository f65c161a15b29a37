using System.Globalization;
using System.Net;
using System.Text;

namespace BitTreeAlloc.Tool.Bench.Report;

/// <summary>Where a text stands against its point.</summary>
internal enum Anchor
{
    /// <summary>It begins there.</summary>
    Start,

    /// <summary>Its middle is there.</summary>
    Middle,

    /// <summary>It ends there.</summary>
    End,
}

/// <summary>A drawing as text: a few shapes, coordinates in pixels from the upper left corner. Colours come from classes, which the page's style gives for light and dark.</summary>
internal sealed class Svg(double width, double height)
{
    /// <summary>Pixels of a text's height; the page's style says the same.</summary>
    public const double TextSize = 11;

    // Wider than the letters of common fonts are on average: what is laid out by it does not overlap.
    private const double LetterWidth = 6.4;

    private readonly StringBuilder _shapes = new();

    /// <summary>How wide a text becomes, at most.</summary>
    public static double WidthOf(string text) => text.Length * LetterWidth;

    /// <summary>A text that fits, cut at its end where it does not.</summary>
    public static string Cut(string text, double width)
    {
        while (text.Length > 2 && WidthOf(text) > width)
            text = text[..^2] + "…";
        return text;
    }

    /// <summary>A rectangle.</summary>
    public void Rectangle(double x, double y, double wide, double high, string style) =>
        Add($"<rect x=\"{x:0.##}\" y=\"{y:0.##}\" width=\"{Math.Max(0, wide):0.##}\" height=\"{Math.Max(0, high):0.##}\" class=\"{style}\"/>");

    /// <summary>A rectangle filled with a pattern of the page.</summary>
    public void Hatch(double x, double y, double wide, double high) =>
        Add($"<rect x=\"{x:0.##}\" y=\"{y:0.##}\" width=\"{Math.Max(0, wide):0.##}\" height=\"{Math.Max(0, high):0.##}\" fill=\"url(#hatch)\"/>");

    /// <summary>A straight line.</summary>
    public void Line(double x1, double y1, double x2, double y2, string style) => Add($"<line x1=\"{x1:0.##}\" y1=\"{y1:0.##}\" x2=\"{x2:0.##}\" y2=\"{y2:0.##}\" class=\"{style}\"/>");

    /// <summary>Straight lines from point to point.</summary>
    public void Path(IEnumerable<(double X, double Y)> points, string style)
    {
        var text = string.Join(' ', points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{point.X:0.##},{point.Y:0.##}")));
        Add($"<polyline points=\"{text}\" class=\"{style}\"/>");
    }

    /// <summary>A dot with a text that shows under the pointer.</summary>
    public void Dot(double x, double y, double radius, string style, string title) =>
        Add($"<circle cx=\"{x:0.##}\" cy=\"{y:0.##}\" r=\"{radius:0.##}\" class=\"{style}\"><title>{Escape(title)}</title></circle>");

    /// <summary>A text; <paramref name="y"/> is its base line.</summary>
    public void Text(double x, double y, string text, Anchor anchor = Anchor.Start, string style = "")
    {
        var where = anchor switch { Anchor.Start => "start", Anchor.Middle => "middle", _ => "end" };
        Add($"<text x=\"{x:0.##}\" y=\"{y:0.##}\" text-anchor=\"{where}\"{(style.Length == 0 ? "" : $" class=\"{style}\"")}>{Escape(text)}</text>");
    }

    /// <summary>The element, with a name for those who cannot see it.</summary>
    public string ToElement(string name) => string.Create(
        CultureInfo.InvariantCulture,
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{Escape(name)}\" viewBox=\"0 0 {width:0.##} {height:0.##}\" style=\"max-width:{width:0}px\">\n{_shapes}</svg>\n");

    /// <summary>A text as it may stand in a page.</summary>
    public static string Escape(string text) => WebUtility.HtmlEncode(string.Concat(text.Where(c => !char.IsControl(c))));

    private void Add(FormattableString shape) => _shapes.Append(shape.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
