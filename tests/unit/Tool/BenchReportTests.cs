using System.Globalization;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using BitTreeAlloc.Tests.Unit.Support;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Curves;
using BitTreeAlloc.Tool.Bench.Latency;
using BitTreeAlloc.Tool.Bench.Replays;
using BitTreeAlloc.Tool.Bench.Report;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Cli;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class BenchReportTests : IDisposable
{
    private static readonly XNamespace s_svg = "http://www.w3.org/2000/svg";

    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    public static TheoryData<int> Counts => [0, 1, 2, 7, 60, 200];

    [Theory]
    [MemberData(nameof(Counts))]
    public void A_page_of_any_number_of_rows_is_well_formed_and_asks_nobody(int count) => Seeded.Run(rounds: 3, random =>
    {
        var rows = Rows(random, count);
        var (page, text) = Page(rows, ["a < b & \"c\"\u0001"], ["<failed>"]);
        foreach (var word in (string[])["<script", "src=", "@import", "<link", "<failed>"])
            Assert.DoesNotContain(word, text, StringComparison.Ordinal);
        foreach (var (at, word) in text.Split("http").Skip(1).Select((rest, at) => (at, rest)))
            Assert.Matches("^://www.w3.org/(1999/xhtml|2000/svg)\"", word);
        foreach (var word in text.Split("url(").Skip(1))
            Assert.StartsWith("#hatch)", word, StringComparison.Ordinal);
        foreach (var drawing in Drawings(page))
            CheckGeometry(drawing);
    });

    [Fact]
    public void Each_row_stands_in_a_table_and_those_with_a_ratio_have_a_bar()
    {
        var (page, _) = Page(Rows(new Random(5), 200), [], []);
        var html = page.Root!.Name.Namespace;
        var cells = page.Descendants(html + "tr").Sum(row => row.Elements(html + "td").Any() ? 1 : 0);
        Assert.True(cells >= 200, $"{cells} rows in tables");
        Assert.True(Drawings(page).Count > 3);
    }

    [Fact]
    public void A_bar_is_as_long_as_its_ratio_says_hatched_without_a_conclusion_and_has_whiskers()
    {
        BenchRow[] rows = [Bar("bittree", 1, null), Bar("native", 10, RoundRatios.OursFaster), Bar("mimalloc", 0.1, RoundRatios.OursSlower), Bar("tcmalloc", 10, RoundRatios.None)];
        var svg = XElement.Parse(Assert.Single(BarChart.Draw(rows, new Palette(rows))));
        var bars = svg.Elements(s_svg + "rect").Where(rect => rect.Attribute("class") is not null).ToList();
        Assert.Equal(3, bars.Count);
        var one = Number(svg.Elements(s_svg + "line").First(line => line.Attribute("class")!.Value == "one"), "x1");
        Assert.Equal(one, Number(bars[0], "x"), 0.1);
        Assert.Equal(one, Number(bars[1], "x") + Number(bars[1], "width"), 0.1);
        Assert.Equal(Number(bars[0], "width"), Number(bars[1], "width"), 0.1);
        Assert.Single(svg.Elements(s_svg + "rect"), rect => rect.Attribute("fill")?.Value == "url(#hatch)");
        Assert.Equal(9, svg.Elements(s_svg + "line").Count(line => line.Attribute("class")!.Value == "whisker"));
        Assert.Empty(BarChart.Draw(rows[..1], new Palette(rows)));
    }

    [Fact]
    public void Peers_have_one_dot_and_ours_one_per_profile()
    {
        BenchRow[] rows =
        [
            Mean("bittree", "Balanced", 0.8, 1.3), Mean("mimalloc", "Balanced", 1, 1.4), Mean("bittree", "Frugal", 0.9, 1.2), Mean("mimalloc", "Frugal", 4, 1.4), Mean("native", "Frugal", 2, 1.1) with { Replay = new ReplayFigures() },
        ];
        var points = DominancePlot.Points(rows);
        Assert.Equal(["bittree Balanced", "bittree Frugal", "mimalloc"], points.Select(point => point.Label));
        Assert.Equal((2, 1.4), (Math.Round(points[2].Time, 9), Math.Round(points[2].Memory, 9)));
        Assert.Null(DominancePlot.Draw(rows[4..], new Palette(rows)));
    }

    [Fact]
    public void Axes_hold_their_values_in_order_with_ticks_apart() => Seeded.Run(rounds: 200, random =>
    {
        var values = Enumerable.Range(0, random.Next(0, 6)).Select(_ => Math.Pow(10, (random.NextDouble() * 20) - 8)).Append(random.Next(2) == 0 ? 1 : 0).ToList();
        var scale = new LogScale(values, 50, 650);
        var places = values.Where(value => value > 0).Order().Select(scale.Map).ToList();
        Assert.All(places, place => Assert.InRange(place, 50, 650));
        Assert.Equal(places.Order(), places);
        var ticks = scale.Ticks(40);
        Assert.All(ticks.Zip(ticks.Skip(1)), pair => Assert.True(scale.Map(pair.Second) - scale.Map(pair.First) >= 40));
        Assert.Equal(ticks.Count, ticks.Select(LogScale.Label).Distinct().Count());
    });

    [Theory]
    [InlineData(1, "1")]
    [InlineData(0.1, "0.1")]
    [InlineData(1500, "1.5k")]
    [InlineData(999.9, "1k")]
    [InlineData(2e6, "2M")]
    [InlineData(17_179_869_184, "17.18G")]
    [InlineData(1e-5, "1e-5")]
    public void Values_are_written_short(double value, string text) => Assert.Equal(text, LogScale.Label(value));

    [Fact]
    public void A_run_from_the_command_line_writes_the_page()
    {
        var path = Path.Combine(_folder, "out.html");
        var (output, error) = (new StringWriter(), new StringWriter());
        Assert.True(CommandLine.Run(["bench", "latency-churn", "--samples", "2000", "--rounds", "2", "--html", path], output, error) == ExitCode.Success, error.ToString());
        var page = Parse(File.ReadAllText(path));
        Assert.True(Drawings(page).Count >= 2);
        Assert.Contains("glibc", page.ToString(), StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (XDocument Page, string Text) Page(IReadOnlyList<BenchRow> rows, IReadOnlyList<string> conclusions, IReadOnlyList<string> failures)
    {
        var stream = new MemoryStream();
        HtmlReport.Write(stream, rows, conclusions, failures, [("machine & runtime", "<some>")]);
        var text = Encoding.UTF8.GetString(stream.ToArray());
        return (Parse(text), text);
    }

    private static XDocument Parse(string text)
    {
        using var reader = XmlReader.Create(new StringReader(text), new XmlReaderSettings { DtdProcessing = DtdProcessing.Ignore });
        return XDocument.Load(reader);
    }

    private static List<XElement> Drawings(XDocument page) => [.. page.Descendants(s_svg + "svg").Where(svg => svg.Attribute("viewBox") is not null)];

    /// <summary>Everything lies inside, and no text lies on another.</summary>
    private static void CheckGeometry(XElement svg)
    {
        var box = svg.Attribute("viewBox")!.Value.Split(' ').Select(part => double.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        foreach (var rect in svg.Elements(s_svg + "rect"))
            Inside(Number(rect, "x"), Number(rect, "y"), Number(rect, "x") + Number(rect, "width"), Number(rect, "y") + Number(rect, "height"), box);
        foreach (var line in svg.Elements(s_svg + "line"))
            Inside(Number(line, "x1"), Math.Min(Number(line, "y1"), Number(line, "y2")), Number(line, "x2"), Math.Max(Number(line, "y1"), Number(line, "y2")), box);
        foreach (var point in svg.Elements(s_svg + "polyline").SelectMany(line => line.Attribute("points")!.Value.Split(' ')))
        {
            var xy = point.Split(',').Select(part => double.Parse(part, CultureInfo.InvariantCulture)).ToArray();
            Inside(xy[0], xy[1], xy[0], xy[1], box);
        }

        var texts = svg.Elements(s_svg + "text").Select(BoxOf).ToList();
        foreach (var (left, top, right, bottom, _) in texts)
            Inside(left, top, right, bottom, box);
        for (var i = 0; i < texts.Count; i++)
        {
            for (var j = i + 1; j < texts.Count; j++)
            {
                var (a, b) = (texts[i], texts[j]);
                Assert.False(a.Left < b.Right && b.Left < a.Right && a.Top < b.Bottom && b.Top < a.Bottom, $"'{a.Text}' lies on '{b.Text}'");
            }
        }
    }

    // Letters of a sans serif of 11 pixels are about 5.8 wide on average.
    private static (double Left, double Top, double Right, double Bottom, string Text) BoxOf(XElement text)
    {
        var (x, y, wide) = (Number(text, "x"), Number(text, "y"), text.Value.Length * 5.8);
        var left = text.Attribute("text-anchor")!.Value switch { "start" => x, "middle" => x - (wide / 2), _ => x - wide };
        return (left, y - 9, left + wide, y + 2, text.Value);
    }

    private static void Inside(double left, double top, double right, double bottom, double[] box)
    {
        Assert.True(left >= 0 && top >= 0 && right <= box[2] + 0.5 && bottom <= box[3] + 0.5, $"{left} {top} {right} {bottom} is outside {box[2]} x {box[3]}");
    }

    private static double Number(XElement element, string name) => double.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private static BenchRow Bar(string allocator, double ratio, string? conclusion) => new()
    {
        Loop = "pair", Allocator = allocator, Profile = "Balanced", Threads = 1, Operations = 1, NsPerOp = 5, TimeOverOurs = ratio, TimeOverOursLow = ratio / 1.5, TimeOverOursHigh = ratio * 1.5, Conclusion = conclusion,
    };

    private static BenchRow Mean(string allocator, string profile, double time, double memory) => new()
    {
        Loop = TraceSummary.Loop, Allocator = allocator, Profile = profile, Threads = 1, Operations = 1, TimeOverOurs = 1, NsPerOp = 1, Replay = new ReplayFigures { TimeOverBestPeer = time, PeakOverLive = memory },
    };

    /// <summary>Rows of every kind, with names and figures that are hard to draw.</summary>
    private static List<BenchRow> Rows(Random random, int count)
    {
        string[] allocators = ["bittree", "native", "mimalloc", "jemalloc", "tcmalloc", "arraypool", "a-name-of-the-user-that-is-far-too-long-for-any-column", "<b>&\"x\""];
        double Any() => Math.Pow(10, (random.NextDouble() * 8) - 4);
        var rows = new List<BenchRow>();
        for (var i = 0; i < count; i++)
        {
            var ratio = Any();
            var row = new BenchRow
            {
                Loop = $"loop-{i / allocators.Length}", Allocator = allocators[i % allocators.Length], Profile = "Balanced", Threads = 1, Operations = i, NsPerOp = Any(), TimeOverOurs = i % 8 == 0 ? 1 : ratio,
                TimeOverOursLow = ratio * 0.9, TimeOverOursHigh = ratio * 1.3, Conclusion = random.Next(2) == 0 ? RoundRatios.None : RoundRatios.OursFaster,
            };
            rows.Add(random.Next(6) switch
            {
                0 => row with { Loop = TraceSummary.Loop, Profile = random.Next(2) == 0 ? "Balanced" : "Frugal", Replay = new ReplayFigures { TimeOverBestPeer = Any(), PeakOverLive = 1 + random.NextDouble() } },
                1 => row with { Loop = "latency-churn", Latency = new LatencyFigures(1, 2, 3, 4, 5), Tail = new TailFigures { Ccdf = [new(0, 0.9), new(10 + random.Next(100), 0.5), new(1e6, 1e-6), new(2e6, 0)] } },
                2 => row with { Loop = "curve-live", Allocator = "bittree", Arm = random.Next(2) == 0 ? "an arm with a name that is rather long for a legend" : null, TimeOverOurs = 1, Curve = new CurveFigures(1 + random.Next(1000), "things", 1, null) },
                3 => row with { NsPerOp = null, TimeOverOurs = null, TimeOverOursLow = null, TimeOverOursHigh = null },
                _ => row,
            });
        }

        return rows;
    }
}
