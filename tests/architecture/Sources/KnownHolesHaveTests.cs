namespace BitTreeAlloc.Tests.Architecture.Sources;

/// <summary>Each known hole of the ancestors has a test that a reader finds by its number.</summary>
public sealed class KnownHolesHaveTests
{
    [Fact]
    public void The_page_of_known_holes_names_tests_that_exist_and_all_of_them()
    {
        if (SourceTree.Root is null)
            return;
        var classes = SourceTree.Files("tests").GroupBy(path => Path.GetFileNameWithoutExtension(path)!, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => string.Concat(group.Select(File.ReadAllText)), StringComparer.Ordinal);
        classes.Remove(nameof(KnownHolesHaveTests));
        var problems = KnownHoles.Problems(File.ReadAllText(Path.Combine(SourceTree.Root, "docs", "known-holes.md")), classes).ToArray();
        Assert.True(problems.Length == 0, string.Join('\n', problems));
    }

    [Theory]
    [InlineData("| 1 | x | `A.Hole_1_b` |", "hole 2 has no row")]
    [InlineData("| 1 | x | nothing |", "hole 1 names no test")]
    [InlineData("| 1 | x | `B.Hole_1_b` |", "no test class B")]
    [InlineData("| 1 | x | `A.Hole_1_c` |", "A has no test Hole_1_c")]
    [InlineData("| 1 | x | `A.Helper` |", "A has no test Helper")]
    [InlineData("| 2 | x | `A.Hole_1_b` |", "not in the row of hole 1")]
    public void A_planted_problem_is_found(string page, string problem) =>
        Assert.Contains(KnownHoles.Problems(page, Source), found => found.Contains(problem, StringComparison.Ordinal));

    [Fact]
    public void A_row_that_names_a_test_is_fine() =>
        Assert.DoesNotContain(KnownHoles.Problems("| 1 | x | `A.Hole_1_b` |", Source), problem => !problem.Contains("has no row", StringComparison.Ordinal));

    private static Dictionary<string, string> Source => new(StringComparer.Ordinal) { ["A"] = "[Theory]\n    [InlineData(1)]\n    public void Hole_1_b(int x)\n{ }\n    public void Helper()" };
}
