using System.Globalization;
using System.Security;

namespace BitTreeAlloc.Os;

/// <summary>Files in which the kernel tells about itself, below a root directory ("/", or a tree that a test wrote). Nothing throws: what cannot be read is absent.</summary>
internal sealed class SystemFiles(string root)
{
    /// <summary>The lines of a file, or none.</summary>
    /// <param name="path">As the system names it, from "/".</param>
    public string[] Lines(string path) => Read(path)?.Split('\n', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The text of a file without surrounding white space, or null.</summary>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(Full(path)).Trim();
        }
        catch (Exception e) when (IsExpected(e))
        {
            return null;
        }
    }

    /// <summary>The whole number that a file consists of, or null.</summary>
    public ulong? Number(string path) => ulong.TryParse(Read(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Whether there is such a directory.</summary>
    public bool IsDirectory(string path) => Directory.Exists(Full(path));

    /// <summary>Names of the directories in a directory, in order, or none.</summary>
    public string[] Directories(string path)
    {
        try
        {
            return [.. Directory.GetDirectories(Full(path)).Select(full => Path.GetFileName(full)).Order(StringComparer.Ordinal)];
        }
        catch (Exception e) when (IsExpected(e))
        {
            return [];
        }
    }

    private static bool IsExpected(Exception e) => e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException or SecurityException;

    private string Full(string path) => root + (root.EndsWith('/') ? path.TrimStart('/') : path);
}
