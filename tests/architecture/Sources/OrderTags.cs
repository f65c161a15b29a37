using System.Text.RegularExpressions;

namespace BitTreeAlloc.Tests.Architecture.Sources;

/// <summary>The tags of <c>// order:</c> comments: each stands at both ends of a pairing and in docs/design/memory-order.md.</summary>
internal static partial class OrderTags
{
    /// <summary>What is wrong with the comments of these files (name and text) against the page of tags.</summary>
    public static IEnumerable<string> Problems(IEnumerable<(string Name, string Text)> files, string page)
    {
        var places = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var (name, text) in files)
        {
            var lines = text.Split('\n');
            for (var i = 0; i < lines.Length; i++)
            {
                if (!lines[i].Contains("// order:", StringComparison.Ordinal))
                    continue;
                var tags = Tag().Matches(Comment(lines, i));
                if (tags.Count == 0)
                    yield return $"{name}({i + 1}): an order comment without a tag";
                foreach (Match tag in tags)
                    (places.TryGetValue(tag.Value, out var list) ? list : places[tag.Value] = []).Add($"{name}({i + 1})");
            }
        }

        var listed = Tag().Matches(page).Select(match => match.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var (tag, at) in places.Where(pair => pair.Value.Count < 2))
            yield return $"{at[0]}: {tag} has one end only";
        foreach (var tag in places.Keys.Except(listed))
            yield return $"{places[tag][0]}: {tag} is not listed in docs/design/memory-order.md";
        foreach (var tag in listed.Except(places.Keys))
            yield return $"docs/design/memory-order.md lists {tag}, which no order comment carries";
    }

    // A comment may run over several lines.
    private static string Comment(string[] lines, int first)
    {
        var comment = lines[first][lines[first].IndexOf("// order:", StringComparison.Ordinal)..];
        for (var i = first + 1; i < lines.Length && lines[i].TrimStart().StartsWith("//", StringComparison.Ordinal) && !lines[i].Contains("// order:", StringComparison.Ordinal); i++)
            comment += lines[i];
        return comment;
    }

    [GeneratedRegex(@"\[[A-Z]+\d+\]")]
    private static partial Regex Tag();
}
