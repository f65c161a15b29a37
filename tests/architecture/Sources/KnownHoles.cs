using System.Globalization;
using System.Text.RegularExpressions;

namespace BitTreeAlloc.Tests.Architecture.Sources;

/// <summary>The table of docs/known-holes.md against the tests that it names.</summary>
internal static partial class KnownHoles
{
    public const int Last = 24;

    /// <summary>What is wrong with the page, given the test classes and their text.</summary>
    public static IEnumerable<string> Problems(string page, IReadOnlyDictionary<string, string> classes)
    {
        var rows = Row().Matches(page).Select(row => (Number: int.Parse(row.Groups[1].ValueSpan, CultureInfo.InvariantCulture), Tests: row.Groups[2].Value)).ToArray();
        foreach (var number in Enumerable.Range(1, Last).Except(rows.Select(row => row.Number)))
            yield return $"hole {number} has no row";
        foreach (var (number, text) in rows)
        {
            var tests = Test().Matches(text);
            if (tests.Count == 0 && !text.Contains("not yet:", StringComparison.Ordinal))
                yield return $"hole {number} names no test";
            foreach (Match test in tests)
            {
                var (type, method) = (test.Groups[1].Value, test.Groups[2].Value);
                if (!classes.TryGetValue(type, out var source))
                    yield return $"hole {number}: there is no test class {type}";
                else if (!Regex.IsMatch(source, $@"\[(Fact|Theory)\w*(\([^\n]*\))?\](\s*\[[^\n]*\])*\s*public (async Task|void) {Regex.Escape(method)}\(", RegexOptions.None, TimeSpan.FromSeconds(10)))
                    yield return $"hole {number}: {type} has no test {method}";
            }
        }

        // The other way round: a test by the name of a hole stands in its row.
        foreach (var (type, source) in classes)
        {
            foreach (Match named in Named().Matches(source))
            {
                var number = int.Parse(named.Groups[2].ValueSpan, CultureInfo.InvariantCulture);
                if (!rows.Any(row => row.Number == number && row.Tests.Contains($"{type}.{named.Groups[1].Value}`", StringComparison.Ordinal)))
                    yield return $"{type}.{named.Groups[1].Value} is not in the row of hole {number}";
            }
        }
    }

    [GeneratedRegex(@"^\| (\d+) \| [^|]* \| ([^\n]*) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"`(\w+)\.(\w+)`")]
    private static partial Regex Test();

    [GeneratedRegex(@"public (?:async Task|void) (Hole_(\d+)_\w+)\(")]
    private static partial Regex Named();
}
