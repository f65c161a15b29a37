using System.Text.RegularExpressions;
using BitTreeAlloc.Model.Scenarios;
using BitTreeAlloc.Tool.Cli;

namespace BitTreeAlloc.Tool.Explore;

/// <summary>Scenarios by name, by prefix, or by a pattern with * and ?.</summary>
internal static class ScenarioPicker
{
    /// <summary>The factories of what is wanted, in the order of the registry.</summary>
    /// <exception cref="CliException">A name fits nothing.</exception>
    public static IReadOnlyList<(Func<Scenario> Make, Scenario Sample)> Pick(IReadOnlyList<Func<Scenario>> all, IReadOnlyList<string> patterns)
    {
        var known = all.Select(make => (Make: make, Sample: make())).ToList();
        if (patterns.Count == 0)
            return known;
        var picked = new HashSet<string>(StringComparer.Ordinal);
        foreach (var pattern in patterns)
        {
            var fits = known.Where(entry => Fits(entry.Sample.Name, pattern)).Select(entry => entry.Sample.Name).ToList();
            if (fits.Count == 0)
                throw new CliException($"'{pattern}' is no scenario; see 'bittree explore --list'");

            // A full name means that one, though it may be the beginning of others.
            picked.UnionWith(fits.Contains(pattern) ? [pattern] : fits);
        }

        return [.. known.Where(entry => picked.Contains(entry.Sample.Name))];
    }

    /// <summary>Whether a pattern fits a name.</summary>
    public static bool Fits(string name, string pattern) =>
        pattern.AsSpan().IndexOfAny('*', '?') < 0
            ? name.StartsWith(pattern, StringComparison.Ordinal)
            : Regex.IsMatch(name, "^" + Regex.Escape(pattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$", RegexOptions.None, TimeSpan.FromSeconds(1));
}
