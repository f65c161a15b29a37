using System.Diagnostics;
using System.Text.RegularExpressions;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Model.Engine;
using BitTreeAlloc.Model.Memory;
using BitTreeAlloc.Model.Scenarios;
using BitTreeAlloc.Tests.Explorer.Support;
using OwnQueue;

namespace BitTreeAlloc.Tests.Explorer.Samples;

/// <summary>The page "check your own lock-free structure": what it shows is what is compiled, and what it says is what comes out.</summary>
public partial class OwnQueueTests
{
    [Theory]
    [InlineData("samples/own-queue/Ring.cs")]
    [InlineData("samples/own-queue/RingScenario.cs")]
    [InlineData("samples/own-queue/Program.cs")]
    public void A_block_of_the_page_is_the_file(string file) =>
        Assert.Equal(Repository.Read(file).TrimEnd(), Block().Matches(Page()).Single(match => match.Groups["file"].Value == file).Groups["text"].Value);

    [Fact]
    public void The_output_on_the_page_is_what_the_sample_prints()
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", ["exec", typeof(RingScenario).Assembly.Location]) { RedirectStandardOutput = true })!;
        var printed = process.StandardOutput.ReadToEnd().ReplaceLineEndings("\n").TrimEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(Output().Match(Page()).Groups["text"].Value, printed);
    }

    [Fact]
    public void The_structure_and_its_scenario_take_thirty_lines()
    {
        var lines = Repository.Read("samples/own-queue/RingScenario.cs").Split('\n').Count(line => line.Trim().Length > 0);
        Assert.InRange(lines, 10, 30);
    }

    [Theory]
    [InlineData(MemoryModel.Rc11)]
    [InlineData(MemoryModel.Net)]
    [InlineData(MemoryModel.Tso)]
    [InlineData(MemoryModel.Sc)]
    public void The_ring_holds_under_every_model(MemoryModel model)
    {
        var result = GraphExplorer.Explore(new RingScenario(), new ExploreOptions { Model = model }).Result;
        Assert.Null(result.Error);
        Assert.True(result.IsExhaustive);
    }

    [Theory]
    [InlineData(Sites.Publish)]
    [InlineData(Sites.SeePut)]
    [InlineData(Sites.GiveBack)]
    [InlineData(Sites.SeeTaken)]
    public void Every_order_of_the_ring_is_needed(Site site)
    {
        var weak = new ExploreOptions { Weakening = new SiteWeakening(site, WeakeningKind.Relaxed) };
        Assert.Equal(ModelErrorKind.DataRace, GraphExplorer.Explore(new RingScenario(), weak).Result.Error?.Kind);
    }

    private static string Page() => Repository.Read("docs/check-your-own.md");

    [GeneratedRegex(@"<!-- file: (?<file>\S+) -->\n```csharp\n(?<text>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"<!-- output of: samples/own-queue -->\n```text\n(?<text>.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex Output();
}
