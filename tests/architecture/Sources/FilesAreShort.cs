using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Architecture.Sources;

/// <summary>Split by role: no file of the library over 400 lines, half of them under 200, and a head that says what a file owns.</summary>
public sealed class FilesAreShort(ITestOutputHelper output)
{
    private const int Longest = 400;
    private const int Median = 200;

    [Theory]
    [InlineData("src")]
    [InlineData("tests")]
    [InlineData("tools")]
    [InlineData("bench")]
    public void No_file_is_longer_than_400_lines(string folder)
    {
        if (SourceTree.Root is null)
            return;
        var lengths = SourceTree.Files(folder).Select(path => (Path: Path.GetRelativePath(SourceTree.Root, path), Lines: File.ReadLines(path).Count())).OrderByDescending(file => file.Lines).ToArray();
        var median = lengths[lengths.Length / 2].Lines;
        output.WriteLine($"{folder}: {lengths.Length} files, median {median}, longest {lengths[0].Lines} ({lengths[0].Path})");
        Assert.All(lengths, file => Assert.True(file.Lines <= Longest, $"{file.Path} has {file.Lines} lines"));
        Assert.True(median <= Median, $"the median is {median} lines");
    }

    [Fact]
    public void Every_file_of_the_core_with_more_than_40_lines_says_first_what_it_owns()
    {
        if (SourceTree.Root is null || !Directory.Exists(Path.Combine(SourceTree.Root, "src/BitTreeAlloc/Core")))
            return;
        var bare = SourceTree.Files("src/BitTreeAlloc/Core")
            .Where(path => File.ReadLines(path).Count() > 40 && !File.ReadLines(path).Take(30).Any(line => line.StartsWith("//", StringComparison.Ordinal) && line.Contains(" Owns:", StringComparison.Ordinal)))
            .Select(path => Path.GetRelativePath(SourceTree.Root, path));
        Assert.Empty(bare);
    }
}
