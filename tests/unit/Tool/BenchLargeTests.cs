using System.Text.Json;
using BitTreeAlloc.Tool.Allocators;
using BitTreeAlloc.Tool.Bench;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Large;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Cli;
using BitTreeAlloc.Tool.Memory;

namespace BitTreeAlloc.Tests.Unit.Tool;

public sealed class BenchLargeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bittree-test").FullName;

    private static readonly BenchRequest s_tiny = new() { Rounds = 1, RoundTime = TimeSpan.FromMilliseconds(1), MeasuresMemory = false };

    public static TheoryData<string> Names => [.. RecycleLoop.All.Select(loop => loop.Name)];

    [Fact]
    public void The_group_has_every_form_once()
    {
        string[] names =
        [
            "large-fixed8m-touched-1t", "large-fixed8m-touched-2t", "large-fixed8m-untouched-1t", "large-fixed8m-untouched-2t", "large-random-touched-1t", "large-random-touched-2t",
            "large-random-untouched-1t", "large-random-untouched-2t",
        ];
        Assert.Equal(names, BenchCatalog.Select("large").Select(loop => loop.Name).Order(StringComparer.Ordinal));
        Assert.All(RecycleLoop.All, loop => Assert.EndsWith($"-{(loop.Touched == true ? "touched" : "untouched")}-{loop.Threads}t", loop.Name, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_tiny_run_of_each_loop_finds_nothing_wrong(string name)
    {
        // Fresh pages cost a microsecond or two each, and these loops touch gigabytes of them with a contender that keeps nothing.
        IReadOnlyList<string> contenders = name.Contains("random-touched", StringComparison.Ordinal) ? ["arraypool"]
            : name.EndsWith("-touched-2t", StringComparison.Ordinal) ? ["bittree", "arraypool"]
            : ["bittree", "native", "arraypool", "mmap"];
        var rows = Run(BenchCatalog.Find(name)!.Start(s_tiny with { Contenders = contenders }, Profile.LargeBuffers));
        Assert.Equal(contenders.Where(one => one != "mmap" || OperatingSystem.IsLinux()), rows.Select(row => row.Allocator));
        foreach (var row in rows)
        {
            Assert.Equal((name, "LargeBuffers", null), (row.Loop, row.Profile, row.Arm));
            Assert.True(row.NsPerOp > 0 && row.WarmUp >= 2 * RecyclePlan.Block * row.Threads && row.Operations >= RecyclePlan.Block * row.Threads, row.ToString());
            Assert.Equal(row.Allocator == "bittree", row.OsCallsPerOp is not null);
            Assert.Equal(row.Allocator == "bittree" || contenders[0] != "bittree" ? null : RoundRatios.None, row.Conclusion);
        }

        Assert.Equal(contenders[0] == "bittree" ? 1 : null, rows[0].TimeOverOurs);
        if (OperatingSystem.IsLinux() && rows.FirstOrDefault(row => row.Allocator == "mmap") is { } mmap)
            Assert.True(mmap.Touched == true ? mmap.FaultsPerOp >= 1 : mmap.FaultsPerOp < 1, mmap.ToString());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Our_own_memory_passes_every_check_in_each_loop(string name)
    {
        var bodies = BenchContenders.Make("bittree", s_tiny, Profile.Frugal)!.Open((TimedLoop)BenchCatalog.Find(name)!);
        foreach (var body in bodies)
            body.Begin(0, verify: true);
        foreach (var body in bodies)
            body.Run(2);
        foreach (var body in bodies)
            body.End();
        foreach (var body in bodies)
            body.CloseThread();
        bodies[0].Close();
    }

    [Theory]
    [InlineData("large-fixed8m-untouched-1t")]
    [InlineData("large-fixed8m-touched-1t")]
    [InlineData("large-fixed8m-untouched-2t")]
    [InlineData("large-fixed8m-touched-2t")]
    public void Memory_given_twice_is_found_and_costs_only_its_own_row(string name)
    {
        using var wrong = new PlantedBuffers<Fixed>.Arena(overlapAt: 9);
        using var right = new PlantedBuffers<Fixed>.Arena(PlantedBuffers<Fixed>.Arena.Never);
        var loop = (TimedLoop)BenchCatalog.Find(name)!;
        using var series = new TimedSeries(loop, s_tiny, Profile.Balanced, [Planted("bittree", right), Planted("wrong", wrong)]);
        BenchRunner.Run(series, 2, _ => { });
        Assert.Matches("^wrong: .*overlaps", Assert.Single(series.Failures));
        var rows = series.Rows().ToArray();
        Assert.True(rows[0].NsPerOp > 0);
        Assert.Equal((null, null, null, null), (rows[1].NsPerOp, rows[1].TimeOverOurs, rows[1].Conclusion, rows[1].FaultsPerOp));
    }

    [Theory]
    [InlineData(true, 30)]
    [InlineData(false, 30)]
    [InlineData(false, 500)]
    public void The_content_alone_shows_it_too_also_in_timed_operations(bool verify, int overlapAt)
    {
        using var arena = new PlantedBuffers<Moving>.Arena(overlapAt);
        var body = Planted("wrong", arena).Open((TimedLoop)BenchCatalog.Find("large-fixed8m-touched-1t")!)[0];
        body.Begin(0, verify);
        Assert.Contains("has changed", Assert.Throws<LoopCheckException>(() => body.Run(600)).Message, StringComparison.Ordinal);

        using var right = new PlantedBuffers<Moving>.Arena(PlantedBuffers<Moving>.Arena.Never);
        var control = Planted("right", right).Open((TimedLoop)BenchCatalog.Find("large-fixed8m-touched-1t")!)[0];
        control.Begin(0, verify);
        control.Run(600);
        control.End();
    }

    [Fact]
    public void Memory_that_two_threads_hold_is_found()
    {
        using var arena = new PlantedBuffers<Fixed>.Arena(overlapAt: 2 + RecyclePlan.Slots + RecyclePlan.Block);
        var bodies = Planted("wrong", arena).Open((TimedLoop)BenchCatalog.Find("large-fixed8m-untouched-2t")!);
        bodies[0].Begin(0, verify: true);
        Assert.Contains("overlaps", Assert.Throws<LoopCheckException>(() => bodies[1].Begin(0, verify: true)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Whole_blocks_of_a_plan_have_the_same_mix(bool random)
    {
        var plan = new RecyclePlan(thread: 1, random);
        plan.Draw(3);
        var first = plan.Steps.ToArray();
        Assert.Equal(RecyclePlan.Slots, first.Select(RecyclePlan.SlotOf).Distinct().Count());
        foreach (var block in first.Chunk(RecyclePlan.Block))
        {
            var sizes = block.Select(RecyclePlan.SizeOf).Order().ToArray();
            for (var i = 0; i < sizes.Length; i++)
            {
                var part = (double)(RecyclePlan.Most - RecyclePlan.Least) / RecyclePlan.Block;
                Assert.InRange(sizes[i], random ? RecyclePlan.Least + (nuint)(i * part) - 16 : RecyclePlan.Fixed, random ? RecyclePlan.Least + (nuint)((i + 1) * part) : RecyclePlan.Fixed);
                Assert.Equal(0u, sizes[i] % 16);
            }
        }

        plan.Draw(4);
        Assert.NotEqual(first, plan.Steps);
        plan.Draw(3);
        Assert.Equal(first, plan.Steps);
        var other = new RecyclePlan(thread: 0, random);
        other.Draw(3);
        Assert.NotEqual(first, other.Steps);
    }

    [Fact]
    public void A_conclusion_needs_rounds_that_agree()
    {
        Assert.Equal(RoundRatios.OursFaster, Ratios([2, 3], [1, 2]).Conclusion);
        Assert.Equal(RoundRatios.OursSlower, Ratios([1, 1], [2, 3]).Conclusion);
        Assert.Equal(RoundRatios.None, Ratios([2, 3, 1], [1, 2, 1]).Conclusion);
        Assert.Equal(RoundRatios.None, Ratios([2, 3, 1], [1, 2, 2]).Conclusion);
        Assert.Equal(RoundRatios.None, Ratios([2], [1]).Conclusion);
        var ratios = Ratios([20, 100, 30], [10, 100, 10]);
        Assert.Equal((1, 2, 3), (ratios.Low, ratios.Median, ratios.High));
    }

    [Fact]
    public void A_run_from_the_command_line_fills_table_and_file()
    {
        var json = Path.Combine(_folder, "out.json");
        var (code, output, error) = RunTool("bench", "large-fixed8m-untouched-1t", "--rounds", "2", "--profile", "Frugal", "--json", json);
        Assert.True(code == ExitCode.Success, error);
        Assert.Contains("large-fixed8m-untouched-1t, Frugal: ", output, StringComparison.Ordinal);
        var rows = JsonDocument.Parse(File.ReadAllText(json)).RootElement.EnumerateArray().ToArray();
        Assert.Equal(["bittree", "native"], rows.Take(2).Select(row => row.GetProperty("allocator").GetString()));
        Assert.Contains("arraypool", rows.Select(row => row.GetProperty("allocator").GetString()));
        foreach (var row in rows)
        {
            Assert.Equal(("Frugal", 1, false), (row.GetProperty("profile").GetString(), row.GetProperty("threads").GetInt32(), row.GetProperty("touched").GetBoolean()));
            Assert.True(row.GetProperty("nsPerOp").GetDouble() > 0 && row.GetProperty("timeOverOurs").GetDouble() > 0 && row.GetProperty("spread").GetDouble() >= 1 && row.GetProperty("warmup").GetInt64() > 0);
            if (RssReader.IsSupported)
                Assert.InRange(row.GetProperty("peakRssBytes").GetInt64(), -1 << 20, 32 << 20);
        }
    }

    [Fact]
    public void The_memory_of_touched_buffers_is_measured()
    {
        if (!RssReader.IsSupported)
            return;
        var (figures, error) = LoopChild.Start((TimedLoop)BenchCatalog.Find("large-fixed8m-touched-1t")!, "mmap", new BenchRequest(), Profile.Balanced);
        Assert.True(figures is not null, error);
        Assert.InRange(figures.Value.Peak, 4 * (long)RecyclePlan.Fixed, 5 * (long)RecyclePlan.Fixed);
        Assert.InRange(figures.Value.AfterFree, -1 << 20, 2 << 20);
        Assert.NotNull(LoopChild.Start((TimedLoop)BenchCatalog.Find("large-fixed8m-touched-1t")!, "nobody", new BenchRequest(), Profile.Balanced).Error);
    }

    [PeerFact("mimalloc")]
    public void A_peer_is_loaded_from_the_file_that_the_user_names()
    {
        if (FileOf("libmimalloc") is not { } file)
            return;
        var request = s_tiny with { Peers = OptionValues.Peers([$"mine={file}"]), Contenders = ["bittree", "mine"] };
        _ = BenchContenders.Prepare(request);
        var rows = Run(BenchCatalog.Find("large-fixed8m-untouched-1t")!.Start(request, Profile.Balanced));
        Assert.Equal(["bittree", "mine"], rows.Select(row => row.Allocator));
        Assert.True(rows[1].NsPerOp > 0);
    }

    [Fact]
    public void A_library_that_only_passes_on_the_C_librarys_malloc_is_refused()
    {
        if (FileOf("libm.so") is not { } file)
            return;
        var request = s_tiny with { Peers = [PeerDescription.Of("mine", file)] };
        Assert.Contains("no malloc of its own", Assert.Throws<CliException>(() => BenchContenders.Prepare(request)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static BenchRow[] Run(IBenchSeries series)
    {
        using (series)
        {
            BenchRunner.Run(series, s_tiny.Rounds, _ => { });
            Assert.Empty(series.Failures);
            return [.. series.Rows()];
        }
    }

    private static BenchContender<PlantedBuffers<TAddresses>, nint> Planted<TAddresses>(string name, PlantedBuffers<TAddresses>.Arena arena)
        where TAddresses : struct, IAddresses => new(name, isInstance: true, () => new PlantedBuffers<TAddresses>(arena));

    private static RoundRatios Ratios(double[] theirs, double[] ours) => new([.. theirs.Select(Sample)], [.. ours.Select(Sample)]);

    private static LoopSample Sample(double nanoseconds) => new(nanoseconds, 1, null, null);

    // Of a library that this process has loaded.
    private static string? FileOf(string library) => !OperatingSystem.IsLinux()
        ? null
        : File.ReadLines("/proc/self/maps").Select(line => line[Math.Max(0, line.IndexOf('/', StringComparison.Ordinal))..]).FirstOrDefault(path => Path.GetFileName(path).StartsWith(library, StringComparison.Ordinal));

    private static (int Code, string Output, string Error) RunTool(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = CommandLine.Run(arguments, output, error);
        return (code, output.ToString(), error.ToString());
    }
}
