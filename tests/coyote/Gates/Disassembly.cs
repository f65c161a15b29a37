using System.Text.RegularExpressions;

namespace BitTreeAlloc.Tests.Explorer.Gates;

/// <summary>What the JIT printed for one run: the instructions of each method, without what differs between two compilations of the same code.</summary>
internal static partial class Disassembly
{
    /// <summary>Instructions by "Class:Method"; generic arguments and namespaces are dropped.</summary>
    public static Dictionary<string, List<string>> Parse(string listing)
    {
        var methods = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        List<string>? current = null;
        foreach (var line in listing.Split('\n'))
        {
            var header = Header().Match(line);
            if (header.Success)
            {
                Assert.Contains("FullOpts", header.Groups["tier"].Value);
                current = methods[$"{header.Groups["type"].Value}:{header.Groups["method"].Value}"] = [];
            }
            else if (current != null && line.Length > 0 && line[0] == ' ' && !line.TrimStart().StartsWith(';'))
            {
                current.Add(Normalise(line));
            }
        }

        return methods;
    }

    /// <summary>Calls keep the method's name, constants that are addresses become one word, labels already are numbers within the method.</summary>
    private static string Normalise(string line)
    {
        var text = Comment().Replace(line, "").Trim();
        text = Callee().Replace(text, "[${method}]");
        text = Address().Replace(text, "ADDRESS");
        return Label().Replace(Blanks().Replace(text, " "), "G_$1");
    }

    [GeneratedRegex(@"^; Assembly listing for method (?:[\w.]+\.)?(?<type>\w+)(?:`\d+)?(?:\[.*\])?:(?<method>\w+)(?:\[.*\])?\(.*\).* \((?<tier>[^)]*)\)\s*$")]
    private static partial Regex Header();

    [GeneratedRegex(@"\s+;.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\[(?:[\w.]+\.)?\w+(?:`\d+)?(?:\[[^\]]*\])?:(?<method>\w+)\([^\]]*\]")]
    private static partial Regex Callee();

    [GeneratedRegex(@"\b0x[0-9A-Fa-f]{7,}\b|\b0xD1FFAB1E\b")]
    private static partial Regex Address();

    [GeneratedRegex(@"G_M\d+_(IG\d+)")]
    private static partial Regex Label();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
