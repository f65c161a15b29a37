using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Output;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class FiguresTests
{
    [Fact]
    public void The_ratio_is_the_median_of_the_rounds_ratios()
    {
        // The medians alone would say 20 / 10; each round says 2, 1, 3.
        var times = new RoundTimes([[20, 100, 30], [10, 100, 10]], [0, 0]);
        Assert.Equal(2, times.Ratio(0, 1));
        Assert.Equal(1, times.Ratio(1, 1));
        Assert.Equal(30, times.Median(0));
        Assert.Equal(2.5, RoundTimer.Median([4, 1, 2, 3]));
    }

    [Fact]
    public void Memory_figures_survive_the_way_from_the_child()
    {
        var figures = new MemoryFigures(1 << 30, 12345, -4096);
        Assert.True(MemoryFigures.TryParse(figures.ToLine() + "\n", out var parsed));
        Assert.Equal(figures, parsed);
        foreach (var line in (string[])["", "rss 1 2", "rss 1 2 x", "ssr 1 2 3", "rss 1 2 3 4"])
            Assert.False(MemoryFigures.TryParse(line, out _));
        Assert.Equal(new MemoryFigures(2, 20, 200), MemoryFigures.Median([new(1, 20, 300), new(3, 10, 200), new(2, 30, 100)]));
        Assert.Equal(new MemoryFigures(9, 18, 27), new MemoryFigures(10, 20, 30).Less(new MemoryFigures(1, 2, 3)));
    }

    [Fact]
    public void A_request_survives_the_way_to_the_child()
    {
        var request = new MeasureRequest("a file", ReplayMode.Parallel, "bittree", Profile.Frugal, Level.Checked, CasWidth.Eight);
        Assert.Equal(request, MeasureRequest.Parse(request.ToArguments()[1..]));
        Assert.Null(MeasureRequest.Parse(["only", "two"]));
    }

    [Fact]
    public void The_closing_sentence_says_what_is_wrong_or_how_fast_it_is()
    {
        var good = new ResultRow
        {
            Trace = "t", Mode = "serial", Allocator = "bittree", Profile = "Balanced", Events = 10, PeakLiveBytes = 1_000_000, NsPerEvent = 3,
            RatioToNative = 0.5, Memory = new MemoryFigures(1_300_000, 900_000, 100_000),
        };
        var text = ClosingSentence.Make([good], verified: true);
        Assert.Contains("no errors, nothing left over", text, StringComparison.Ordinal);
        Assert.Contains("0.50 times as long as NativeMemory: 100 % faster", text, StringComparison.Ordinal);
        Assert.Contains("1.30 bytes of memory per live byte", text, StringComparison.Ordinal);
        Assert.Contains("Not right: bittree Balanced on t (serial)", ClosingSentence.Make([good with { Errors = 1 }], verified: true), StringComparison.Ordinal);
    }

    [Fact]
    public void The_empty_run_grows_by_next_to_nothing()
    {
        if (!RssReader.IsSupported)
            return;
        var (figures, error) = ChildRunner.Run(new MeasureRequest("(embedded)", ReplayMode.Serial, ContenderCatalog.Empty, Profile.Balanced, Level.Fast, CasWidth.Auto));
        Assert.True(figures is not null, error);
        Assert.InRange(figures.Value.Peak, -1 << 20, 1 << 20);
    }
}
