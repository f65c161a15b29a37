using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Samples;

/// <summary>The guide's examples of large memory: each is a function of one program, which is built and does what the page says.</summary>
public sealed class LargeSample
{
    [Fact]
    public void Every_example_of_the_guide_is_part_of_a_program_that_is_built()
    {
        var samples = Path.Combine(Machine.RepositoryRoot(), "samples");
        var programs = new[] { "faults", "large" }.Select(name => Lines(File.ReadAllText(Path.Combine(samples, name, "Program.cs")))).ToList();
        var blocks = Lines(File.ReadAllText(Path.Combine(Machine.RepositoryRoot(), "docs", "guide.md"))).Split("```csharp\n").Skip(1).Select(part => part[..part.IndexOf("\n```", StringComparison.Ordinal)]).ToList();
        Assert.All(blocks, block => Assert.True(programs.Exists(program => program.Contains(block, StringComparison.Ordinal)), $"No sample has this example:\n{block}"));
        Assert.Equal(programs[1].Split("static unsafe void ").Length - 1, blocks.Count(block => programs[1].Contains(block, StringComparison.Ordinal)));
    }

    [Fact]
    public void It_runs_and_prints_what_the_guide_says()
    {
        var lines = Lines(Machine.Run("dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "BitTreeAlloc.Samples.Large.dll"))).Split('\n').Where(line => !line.StartsWith("The system refused advice", StringComparison.Ordinal)).ToArray();
        Assert.Equal(6, lines.Length);
        Assert.Equal("half of the peak may lie free: 0.5", lines[0]);
        Assert.Equal("64 MiB went back in 2 ticks", lines[1]);
        Assert.Matches("^from the pool: (all; asked in vain: (yes|no)|nothing; asked in vain: yes)$", lines[2]);
        Assert.Equal("sealed: 0 calls in 1000 rounds; a GiB: Sealed", lines[3]);
        Assert.Equal("100 MiB under 64: LimitReached", lines[4]);
        Assert.Equal("limit of one that asks no container: 0", lines[5]);
    }

    private static string Lines(string text) => text.ReplaceLineEndings("\n").Trim('\n');
}
