namespace BitTreeAlloc.Tests.Architecture.Sources;

/// <summary>The repository that these tests were built from.</summary>
internal static class SourceTree
{
    public static string? Root { get; } = Find();

    /// <summary>The C# files of a folder, without what builds put there.</summary>
    public static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root!, folder), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                && !path.Contains($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static string? Find()
    {
        for (var folder = Path.GetDirectoryName(AppContext.BaseDirectory); folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "BitTreeAlloc.slnx")))
                return folder;
        return null;
    }
}
