using BitTreeAlloc.Tests.Unit.Support;

namespace BitTreeAlloc.Tests.Unit.Samples;

/// <summary>The README's first program: what is printed there is what compiles, and it does what it says.</summary>
public sealed class StartSample
{
    [Fact]
    public void The_README_shows_the_program_that_is_built_here()
    {
        var root = Machine.RepositoryRoot();
        var program = Lines(File.ReadAllText(Path.Combine(root, "samples", "start", "Program.cs")));
        Assert.Equal(program, FirstBlock(File.ReadAllText(Path.Combine(root, "README.md"))));
    }

    [Fact]
    public void It_runs_and_prints_what_the_comments_promise()
    {
        var lines = Lines(Machine.Run("dotnet", "exec", Path.Combine(AppContext.BaseDirectory, "BitTreeAlloc.Samples.Start.dll"))).Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal("100 numbers in 416 usable bytes, the last is 7", lines[0]);
        Assert.Equal("1000 zeros moved to 5120 usable bytes, the first is 0", lines[1]);
        Assert.Matches("^after Trim: [1-9][0-9]* bytes went back, 0 are live$", lines[2]);
    }

    private static string FirstBlock(string page)
    {
        const string Open = "```csharp\n";
        var text = Lines(page);
        var start = text.IndexOf(Open, StringComparison.Ordinal) + Open.Length;
        Assert.True(start >= Open.Length, "the README has no C# block");
        return text[start..text.IndexOf("\n```", start, StringComparison.Ordinal)];
    }

    private static string Lines(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal).Trim('\n');
}
