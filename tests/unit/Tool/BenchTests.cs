using System.Text.Json;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Replays;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Output;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class BenchTests : IDisposable
{
    private static readonly string[] s_names =
    [
        "loop", "arm", "profile", "allocator", "threads", "operations", "nsPerOp", "timeOverOurs", "timeOverOursLow", "timeOverOursHigh", "spread", "conclusion", "peakRssBytes", "warmup", "touched",
        "faultsPerOp", "osCallsPerOp", "levelsMaxOverMedian", "unsizedOverSized",
        "p50Ns", "p99Ns", "p999Ns", "p9999Ns", "maxNs", "p999OverControl", "faultsPerMillion",
        "peakLiveBytes", "peakOverLive", "afterFreeBytes", "afterTrimBytes", "coldNsPerOp", "coldOverOurs", "timeOverBestPeer", "faultsPer1000", "osCallsPer1000", "slowPathsPer1000",
        "coldFaultsPer1000", "coldOsCallsPer1000", "coldSlowPathsPer1000", "p999OverOurs", "p9999OverOurs", "clockNs", "ccdf", "x", "xUnit", "metadataBytes", "residentBytesPerThread",
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    [Fact]
    public void A_row_has_the_agreed_fields_and_what_was_not_measured_is_null()
    {
        var path = Path.Combine(_folder, "rows.json");
        var plain = new BenchRow { Loop = "pair", Arm = "64 bytes", Allocator = "native", Threads = 1, Operations = 7, NsPerOp = 12.5, TimeOverOurs = 1.25, Spread = double.NaN };
        var timed = plain with { Profile = "Frugal", NsPerOp = null, Latency = new LatencyFigures(1, 2, 3, 4, 5), P999OverControl = 1.5, FaultsPerMillion = 6 };
        var compared = plain with
        {
            Arm = null, TimeOverOursLow = 0.9, TimeOverOursHigh = 1.6, Conclusion = "no conclusion", PeakRssBytes = 4096, WarmUp = 32, Touched = true, FaultsPerOp = 2048.5, OsCallsPerOp = 3,
            SlowPathsPerOp = 0.25, LevelsMaxOverMedian = 1.75, UnsizedOverSized = 1.1,
        };
        var replayed = plain with { Replay = new ReplayFigures { UnsizedOverSized = 1.2 } };
        new JsonReport(path).Write([plain, timed, compared, replayed], BenchJson.Write);
        var rows = JsonDocument.Parse(File.ReadAllText(path)).RootElement;
        foreach (var row in rows.EnumerateArray())
            Assert.Equal(s_names, row.EnumerateObject().Select(property => property.Name));
        Assert.Equal([12.5, 1.25], new[] { "nsPerOp", "timeOverOurs" }.Select(name => rows[0].GetProperty(name).GetDouble()));
        foreach (var name in s_names.Except(["loop", "arm", "allocator", "threads", "operations", "nsPerOp", "timeOverOurs"]))
            Assert.Equal(JsonValueKind.Null, rows[0].GetProperty(name).ValueKind);
        var figures = new[]
        {
            "timeOverOursLow", "timeOverOursHigh", "peakRssBytes", "warmup", "faultsPerOp", "osCallsPerOp", "faultsPer1000", "osCallsPer1000", "slowPathsPer1000", "levelsMaxOverMedian", "unsizedOverSized",
        };
        Assert.Equal([0.9, 1.6, 4096, 32, 2048.5, 3, 2_048_500, 3000, 250, 1.75, 1.1], figures.Select(name => rows[2].GetProperty(name).GetDouble()));
        Assert.Equal(1.2, rows[3].GetProperty("unsizedOverSized").GetDouble());
        Assert.Equal(("no conclusion", true, JsonValueKind.Null), (rows[2].GetProperty("conclusion").GetString(), rows[2].GetProperty("touched").GetBoolean(), rows[2].GetProperty("arm").ValueKind));
        Assert.Equal([1, 2, 3, 4, 5, 1.5, 6], new[] { "p50Ns", "p99Ns", "p999Ns", "p9999Ns", "maxNs", "p999OverControl", "faultsPerMillion" }.Select(name => rows[1].GetProperty(name).GetDouble()));
    }

    [Fact]
    public void A_short_run_of_the_trim_loop_fills_every_arm()
    {
        var json = Path.Combine(_folder, "out.json");
        var (code, output, error) = Run("bench", "latency-trim", "--samples", "20000", "--rounds", "1", "--json", json);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("p99.9 during Trim over p99.9 beside", output, StringComparison.Ordinal);
        var rows = JsonDocument.Parse(File.ReadAllText(json)).RootElement;
        Assert.Equal(4, rows.GetArrayLength());
        foreach (var row in rows.EnumerateArray())
        {
            Assert.True(row.GetProperty("operations").GetInt64() >= 20_000);
            var percentiles = new[] { "p50Ns", "p99Ns", "p999Ns", "p9999Ns", "maxNs" }.Select(name => row.GetProperty(name).GetDouble()).ToArray();
            Assert.Equal(percentiles.Order(), percentiles);
            Assert.True(percentiles[^1] > 0);
        }
    }

    [Fact]
    public void Without_a_name_the_loops_are_listed()
    {
        var (code, output, _) = Run("bench");
        Assert.Equal(ExitCode.Success, code);
        Assert.All(BenchCatalog.Loops, loop => Assert.Contains(loop.Name, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bench sideways", "'sideways'", "all, small, threads, large, latency, memory, traces, curves, pair-mixed, pair-64, batch-fifo")]
    [InlineData("bench large --profile thrifty", "'thrifty'", "Balanced, LowLatency, Frugal, LargeBuffers")]
    [InlineData("bench large --peer mine", "'mine'", "NAME=PATH")]
    [InlineData("bench large --peer =/some/file", "'=/some/file'", "NAME=PATH")]
    [InlineData("bench large --peer a,b=/some/file", "'a,b=/some/file'", "NAME=PATH")]
    [InlineData("bench large --peer native=/some/file", "'native'", "use one other than bittree, native")]
    [InlineData("bench large --peer mine=/no/such/file.so", "'/no/such/file.so'", "shared library that exports malloc")]
    [InlineData("bench large /no/such/trace.mtr", "'/no/such/trace.mtr'", "leave it out")]
    [InlineData("bench latency /no/such/trace.mtr", "'/no/such/trace.mtr'", "name memory or traces")]
    [InlineData("bench traces nosuch.mtr.gz", "nosuch.mtr.gz", "no such file")]
    [InlineData("bench memory /tmp", "/tmp", "a directory")]
    [InlineData("bench curves --peer mine=/bin/true", "'mine=/bin/true'", "has no use")]
    [InlineData("bench traces --html /nowhere/at/all.html", "--html: '/nowhere/at/all.html'", "cannot be written")]
    [InlineData("bench traces --json /nowhere/at/all.json", "--json: '/nowhere/at/all.json'", "cannot be written")]
    [InlineData("bench traces --json same.out --html same.out", "'same.out'", "use another")]
    [InlineData("bench latency-trim --samples 1", "'1'", "1000")]
    [InlineData("bench latency-trim --rounds 0", "'0'", "1 to 1000")]
    [InlineData("bench latency-trim --profile thrifty", "'thrifty'", "Frugal")]
    public void What_cannot_be_meant_is_named_and_answered_with_2(string arguments, string names, string legal)
    {
        var (code, output, error) = Run(arguments.Split(' '));
        Assert.Equal((ExitCode.BadInput, ""), (code, output));
        Assert.Contains(names, error, StringComparison.Ordinal);
        Assert.Contains(legal, error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Theory]
    [InlineData("large", "shared library that exports malloc")]
    [InlineData("latency-trim", "has no use")]
    public void A_peer_that_is_no_library_or_has_no_use_is_refused_before_the_work(string loop, string says)
    {
        var file = Path.Combine(_folder, "text.so");
        File.WriteAllText(file, "no library");
        var (code, output, error) = Run("bench", loop, "--peer", $"mine={file}");
        Assert.Equal((ExitCode.BadInput, ""), (code, output));
        Assert.Contains($"'mine={file}'", error, StringComparison.Ordinal);
        Assert.Contains(says, error, StringComparison.Ordinal);
        Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Names_of_loops_and_groups_are_unique_and_stand_for_what_they_say()
    {
        Assert.Equal(BenchCatalog.Names.Count, BenchCatalog.Names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(BenchCatalog.Loops.Where(loop => loop.Group != "curves"), BenchCatalog.Select("all"));
        Assert.All(BenchCatalog.Loops, loop => Assert.Equal([loop], BenchCatalog.Select(loop.Name)));
        foreach (var group in BenchCatalog.Groups)
            Assert.Equal(BenchCatalog.Loops.Where(loop => loop.Group == group), BenchCatalog.Select(group));
        Assert.Empty(BenchCatalog.Select("sideways"));
    }

    [Fact]
    public void Each_arm_runs_once_per_round_and_once_before()
    {
        using var series = new Counting();
        BenchRunner.Run(series, rounds: 6, _ => { });
        Assert.Equal([1, 1, 1], series.WarmUps);
        Assert.Equal([6, 6, 6], series.Counted);
        Assert.True(series.Orders.Distinct(StringComparer.Ordinal).Count() > 1, "the order never changes");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = CommandLine.Run(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }

    private sealed class Counting : IBenchSeries
    {
        private string _order = "";

        public IReadOnlyList<string> Arms => ["a", "b", "c"];

        public int[] WarmUps { get; } = new int[3];

        public int[] Counted { get; } = new int[3];

        public List<string> Orders { get; } = [];

        public void Run(int arm, bool counted)
        {
            (counted ? Counted : WarmUps)[arm]++;
            _order += Arms[arm];
            if (_order.Length != Arms.Count)
                return;
            Orders.Add(_order);
            _order = "";
        }

        public IEnumerable<BenchRow> Rows() => [];

        public IEnumerable<string> Conclusions() => [];

        public void Dispose()
        {
        }
    }
}
