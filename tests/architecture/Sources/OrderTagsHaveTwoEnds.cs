using Xunit.Abstractions;

namespace BitTreeAlloc.Tests.Architecture.Sources;

public sealed class OrderTagsHaveTwoEnds(ITestOutputHelper output)
{
    [Fact]
    public void Every_order_comment_of_the_library_has_a_tag_with_two_ends_that_is_listed()
    {
        if (SourceTree.Root is null)
        {
            output.WriteLine("skipped: the sources are not here");
            return;
        }

        var page = Path.Combine(SourceTree.Root, "docs", "design", "memory-order.md");
        var files = SourceTree.Files("src/BitTreeAlloc").Select(path => (Path.GetRelativePath(SourceTree.Root, path), File.ReadAllText(path))).ToArray();
        var problems = OrderTags.Problems(files, File.Exists(page) ? File.ReadAllText(page) : "").ToArray();
        Assert.True(problems.Length == 0, string.Join('\n', problems));
    }

    [Theory]
    [InlineData("// order: acquire, pairs with the release in Free [R1]", "", "one end")]
    [InlineData("// order: acquire, pairs with Free", "", "without a tag")]
    [InlineData("// order: acquire [R1]\nx\n// order: release [R1]", "", "not listed")]
    [InlineData("// order: acquire [R1]\nx\n// order: release [R1]", "[R1] and [R2]", "no order comment")]
    [InlineData("// order: acquire [R1]\nx\n// order: release, and\n// more of it [R2]", "[R1] [R2]", "one end")]
    public void A_planted_problem_is_found(string text, string page, string problem) =>
        Assert.Contains(OrderTags.Problems([("file.cs", text)], page), found => found.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void A_pair_on_several_lines_and_in_two_files_is_fine() =>
        Assert.Empty(OrderTags.Problems([("a.cs", "x; // order: release,\n   // pairs with b [R1]"), ("b.cs", "// order: acquire [R1]")], "| [R1] | a | b |"));
}
