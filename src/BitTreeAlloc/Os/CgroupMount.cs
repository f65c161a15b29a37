using System.Text;

namespace BitTreeAlloc.Os;

/// <summary>A mounted hierarchy of control groups that may have the memory controller: a line of /proc/self/mountinfo.</summary>
/// <param name="IsUnified">cgroup v2; otherwise v1 with the memory controller.</param>
/// <param name="Root">The group that is its top, without a slash at the end ("" for the hierarchy's own).</param>
/// <param name="Point">Where it is mounted, without a slash at the end.</param>
internal sealed record CgroupMount(bool IsUnified, string Root, string Point)
{
    /// <summary>The mount of a line, or null where it is another kind of file system, or damaged.</summary>
    public static CgroupMount? Parse(string line)
    {
        // ID, parent, device, root, mount point, options, optional fields, "-", type, source, options of the file system.
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var dash = Array.IndexOf(words, "-", Math.Min(6, words.Length));
        if (dash < 0 || words.Length <= dash + 3)
            return null;
        var isUnified = words[dash + 1] is "cgroup2";
        if (!isUnified && (words[dash + 1] is not "cgroup" || !words[dash + 3].Split(',').Contains("memory", StringComparer.Ordinal)))
            return null;
        var (root, point) = (Unescape(words[3]), Unescape(words[4]));
        return root.StartsWith('/') && point.StartsWith('/') ? new CgroupMount(isUnified, root.TrimEnd('/'), point.TrimEnd('/')) : null;
    }

    /// <summary>The directory of a group, or null where the mount does not show it.</summary>
    public string? DirectoryOf(string group)
    {
        group = group.TrimEnd('/');
        if (group.Split('/').Contains("..", StringComparer.Ordinal) || !group.StartsWith(Root, StringComparison.Ordinal))
            return null;
        var rest = group[Root.Length..];
        return rest.Length == 0 || rest[0] == '/' ? Point + rest : null;
    }

    // The kernel writes a space, a tabulator, a line's end and a backslash as \ and three octal digits.
    private static string Unescape(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
            return text;
        var plain = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\\' && i + 3 < text.Length && text.AsSpan(i + 1, 3).IndexOfAnyExceptInRange('0', '7') < 0)
            {
                plain.Append((char)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0')));
                i += 3;
            }
            else
            {
                plain.Append(text[i]);
            }
        }

        return plain.ToString();
    }
}
