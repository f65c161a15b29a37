using System.Runtime.InteropServices;
using System.Text.Json;
using BitTreeAlloc.Tests.Unit.Traces;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Replays;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class BenchTraceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    [Fact]
    public void Files_alone_mean_traces_and_every_figure_of_a_row_is_there()
    {
        var (file, json) = (Write("a", 1), Path.Combine(_folder, "out.json"));
        var (code, output, error) = Run("bench", file, "--rounds", "1", "--profile", "Frugal,Balanced", "--json", json);
        Assert.True(code == ExitCode.Success, error);
        var rows = JsonDocument.Parse(File.ReadAllText(json)).RootElement.EnumerateArray().ToList();
        Assert.Equal(["trace-random-1", "traces-geomean"], rows.Select(row => row.GetProperty("loop").GetString()).Distinct());
        foreach (var row in rows.Where(row => row.GetProperty("loop").GetString() != "traces-geomean"))
        {
            Assert.True(row.GetProperty("nsPerOp").GetDouble() > 0 && row.GetProperty("timeOverOurs").GetDouble() > 0, row.ToString());
            var isOurs = row.GetProperty("allocator").GetString() == "bittree";
            Assert.Equal(isOurs ? JsonValueKind.Number : JsonValueKind.Null, row.GetProperty("unsizedOverSized").ValueKind);
            Assert.Equal(isOurs ? JsonValueKind.Number : JsonValueKind.Null, row.GetProperty("slowPathsPer1000").ValueKind);
            if (!RssReader.IsSupported)
                continue;
            foreach (var name in (string[])["coldNsPerOp", "coldOverOurs", "coldFaultsPer1000", "peakRssBytes", "peakLiveBytes", "peakOverLive", "afterFreeBytes", "afterTrimBytes", "faultsPer1000"])
                Assert.True(row.GetProperty(name).ValueKind == JsonValueKind.Number, $"{name}: {row}");
            if (isOurs)
                Assert.Equal((1, 1), (row.GetProperty("timeOverOurs").GetDouble(), row.GetProperty("coldOverOurs").GetDouble()));
        }

        // A row per profile and allocator in each, ours first.
        Assert.Equal(["Frugal", "Balanced"], rows.Select(row => row.GetProperty("profile").GetString()).Distinct());
        Assert.Equal(["bittree", "native"], rows.Take(2).Select(row => row.GetProperty("allocator").GetString()));
        Assert.Equal(rows.Count, rows.Select(row => $"{row.GetProperty("loop")} {row.GetProperty("profile")} {row.GetProperty("allocator")}").Distinct().Count());
        Assert.Contains("traces-geomean, Frugal: ", output, StringComparison.Ordinal);
        Assert.Contains("geomean peak/live", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_rows_have_no_time_and_a_group_beside_files_means_the_files()
    {
        var json = Path.Combine(_folder, "out.json");
        var (code, _, error) = Run("bench", "memory", Write("a", 3), "--rounds", "1", "--json", json);
        Assert.True(code == ExitCode.Success, error);
        var rows = JsonDocument.Parse(File.ReadAllText(json)).RootElement.EnumerateArray().ToList();
        Assert.Equal(["memory-random-3"], rows.Select(row => row.GetProperty("loop").GetString()).Distinct());
        foreach (var row in rows)
        {
            Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (row.GetProperty("nsPerOp").ValueKind, row.GetProperty("timeOverOurs").ValueKind));
            if (RssReader.IsSupported)
                Assert.Equal(JsonValueKind.Number, row.GetProperty("peakRssBytes").ValueKind);
        }
    }

    [Fact]
    public void Made_traces_hold_what_their_head_says_and_are_the_same_each_time()
    {
        foreach (var name in SyntheticTrace.Names)
        {
            var (trace, again) = (SyntheticTrace.Make(name), TraceSource.Load(name));
            Assert.Equal(trace.Header, again.Header);
            Assert.True(MemoryMarshal.AsBytes<TraceEvent>(trace.Events).SequenceEqual(MemoryMarshal.AsBytes<TraceEvent>(again.Events)), name);
            var live = new Dictionary<uint, ulong>();
            ulong bytes = 0, peak = 0;
            foreach (var e in trace.Events)
            {
                if (e.Op == TraceOp.Free)
                    Assert.True(live.Remove(e.Id, out var size) && size == e.Size);
                else if (e.Op == TraceOp.Realloc)
                    Assert.True(live.ContainsKey(e.Id));
                else
                    Assert.True(live.TryAdd(e.Id, 0));
                if (e.Op == TraceOp.Free)
                {
                    bytes -= e.Size;
                    continue;
                }

                bytes += e.Size - live[e.Id];
                live[e.Id] = e.Size;
                peak = Math.Max(peak, bytes);
            }

            Assert.Empty(live);
            Assert.Equal((peak, (ulong)trace.Events.Length), (trace.Header.PeakLiveBytes, trace.Header.Events));
        }
    }

    [Fact]
    public void A_made_trace_passes_every_check_with_frees_that_are_not_told_the_size()
    {
        var workload = new Workload(SyntheticTrace.Make(SyntheticTrace.Start), ReplayMode.Serial);
        var outcome = ContenderCatalog.Make(ContenderCatalog.BitTreeUnsized, Profile.Balanced, Level.Fast, CasWidth.Auto)!.Verify(workload);
        Assert.True(outcome is { Errors: 0, LeftOver: 0 }, string.Join('\n', outcome.First));
    }

    [Fact]
    public void Two_traces_of_one_name_are_told_apart_and_one_file_is_read_once()
    {
        var (one, two) = (Write("a", 1), Write("b", 1));
        var problems = new List<string>();
        var traces = NamedTrace.Load([one, two, Path.Combine(_folder, ".", "a.mtr"), Path.Combine(_folder, "none.mtr")], problems.Add);
        Assert.Equal(["random-1", "random-1-2"], traces.Select(trace => trace.Name));
        Assert.Contains("no such file", Assert.Single(problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("traces")]
    [InlineData("memory")]
    public void A_truncated_trace_is_one_line_and_2_before_the_work(string loop)
    {
        var path = Path.Combine(_folder, "bad.mtr");
        File.WriteAllBytes(path, MtrWriter.Random(1, 50).ToBytes()[..^1]);
        var (code, output, error) = Run("bench", loop, path);
        Assert.Equal((ExitCode.BadInput, ""), (code, output));
        Assert.Matches($@"^bittree: {path}: offset \d+: [^\n]+\n$", error);
    }

    [Fact]
    public void Means_are_geometric_per_profile_and_null_where_a_trace_is_missing()
    {
        BenchRow[] rows =
        [
            Trace("trace-a", "bittree", 1, 2, best: 0.5), Trace("trace-a", "mimalloc", 2, 3, best: 1), Trace("trace-a", "native", 4, 1.5, best: 2),
            Trace("trace-b", "bittree", 1, 8, best: 0.125), Trace("trace-b", "mimalloc", 8, 3, best: 1), Trace("trace-a", "bittree", 1, 5, best: 3) with { Profile = "Frugal" },
        ];
        var means = TraceSummary.Means(rows).ToList();
        Assert.Equal(["Balanced bittree", "Balanced mimalloc", "Balanced native", "Frugal bittree"], means.Select(row => $"{row.Profile} {row.Allocator}"));
        Assert.Equal([1, 4], means.Take(2).Select(row => Math.Round(row.TimeOverOurs!.Value, 12)));
        Assert.Equal([4, 3], means.Take(2).Select(row => Math.Round(row.Replay!.PeakOverLive!.Value, 12)));
        Assert.Equal(0.25, means[0].Replay!.TimeOverBestPeer!.Value, 12);
        Assert.Equal((null, null), (means[2].TimeOverOurs, means[2].Replay!.PeakOverLive));
        Assert.Equal(5, means[3].Replay!.PeakOverLive!.Value, 12);
        Assert.Null(TraceSummary.GeometricMean([2, null]));
        Assert.Null(TraceSummary.GeometricMean([]));
        Assert.Null(TraceSummary.GeometricMean([2, 0]));
        Assert.Equal(6, TraceSummary.GeometricMean([4, 9])!.Value, 12);
        var said = string.Join('\n', TraceSummary.Conclusions([.. rows, .. means]));
        Assert.Contains("time over the best peer of each trace 0.250, worst 0.50 on a", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0.9, 1.2, "better in both geomean time and geomean peak/live: other")]
    [InlineData(1.1, 1.2, "nobody is better")]
    [InlineData(0.9, 1.4, "nobody is better")]
    [InlineData(1.0, 1.3, "nobody is better")]
    [InlineData(null, 1.2, "no conclusion")]
    public void Who_dominates_is_better_in_both(double? time, double memory, string says)
    {
        var ours = Trace("traces-geomean", "bittree", 1, 1.3, best: 1);
        var other = Trace("traces-geomean", "other", 1, memory, best: 1) with { TimeOverOurs = time };
        Assert.Contains(says, TraceSummary.Dominance(ours, [other]), StringComparison.Ordinal);
    }

    [Fact]
    public void First_runs_survive_the_way_from_the_child()
    {
        foreach (var figures in (ColdFigures[])[new(1.5e9, 3, 4, 5), new(0.25, null, null, 7)])
        {
            Assert.True(ColdFigures.TryParse(figures.ToLine() + "\n", out var parsed));
            Assert.Equal(figures, parsed);
        }

        foreach (var line in (string[])["", "cold 1 2 3", "cold x 1 2 3", "warm 1 2 3 4", "cold 1 2 y 3"])
            Assert.False(ColdFigures.TryParse(line, out _));
        var (measured, error) = ColdChild.Start(new MeasureRequest(SyntheticTrace.Start, ReplayMode.Serial, "bittree", Profile.Balanced, Level.Fast, CasWidth.Auto));
        Assert.True(measured is { Nanoseconds: > 0, SlowPaths: > 0 }, error);
        Assert.NotNull(ColdChild.Start(new MeasureRequest("/no/such", ReplayMode.Serial, "bittree", Profile.Balanced, Level.Fast, CasWidth.Auto)).Error);
    }

    [Fact]
    public void A_peer_of_the_users_is_known_to_the_child()
    {
        var request = new MeasureRequest("(tiny)", ReplayMode.Serial, "mine", Profile.Balanced, Level.Fast, CasWidth.Auto, "/some/lib.so");
        var parsed = MeasureRequest.Parse(request.ToArguments()[1..]);
        Assert.Equal(request, parsed);
        Assert.Equal(("mine", "/some/lib.so"), (Assert.Single(parsed!.Peers).Name, parsed.Peers[0].Files[0]));
        Assert.Empty((request with { PeerFile = "" }).Peers);
    }

    [Fact]
    public void Sizes_of_the_mix_lie_within_it_and_most_are_small()
    {
        var random = new Random(1);
        var sizes = Enumerable.Range(0, 20_000).Select(_ => SizeMix.Draw(random)).ToList();
        Assert.All(sizes, size => Assert.InRange(size, 8u, (uint)SizeMix.Largest));
        Assert.Equal(1000, SizeMix.Weights);
        Assert.InRange(sizes.Count(size => size <= 128), 14_500, 16_500);
        Assert.Contains(sizes, size => size > 16_384);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static BenchRow Trace(string loop, string allocator, double time, double memory, double best) => new()
    {
        Loop = loop,
        Allocator = allocator,
        Profile = "Balanced",
        Threads = 1,
        Operations = 1,
        TimeOverOurs = time,
        Replay = new ReplayFigures { PeakOverLive = memory, TimeOverBestPeer = best },
    };

    private string Write(string file, int seed)
    {
        var path = Path.Combine(_folder, $"{file}.mtr");
        File.WriteAllBytes(path, MtrWriter.Random(seed, 2000).ToBytes());
        return path;
    }

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = CommandLine.Run(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
