using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Samples;

/// <summary>The guide's program that fails every call to the system in turn: it uses public members alone, is what is built, and does what it says.</summary>
public sealed class FaultsSample
{
    [Fact]
    public void The_guide_shows_the_program_that_is_built_here()
    {
        var root = Machine.RepositoryRoot();
        var program = File.ReadAllText(Path.Combine(root, "samples", "faults", "Program.cs")).ReplaceLineEndings("\n").Trim('\n');
        Assert.Contains($"```csharp\n{program}\n```", File.ReadAllText(Path.Combine(root, "docs", "guide.md")).ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void It_fails_each_call_once_and_finds_nothing_lost()
    {
        var lines = Machine.Run("dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "BitTreeAlloc.Samples.Faults.dll")).ReplaceLineEndings("\n").Trim('\n').Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.Matches("^[1-9][0-9]+ calls failed, one in each run$", lines[0]);
        Assert.Equal("nothing was lost", lines[1]);
    }
}
