using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tests.Explorer.Support;

/// <summary>Files of the repository that tests compare with what they compile and run.</summary>
internal static class Repository
{
    /// <summary>Text of a file, by its path from the root; lines end in a line feed.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root(), path)).ReplaceLineEndings("\n");

    /// <summary>Writes a file anew, by its path from the root.</summary>
    public static void Write(string path, string text) => File.WriteAllText(Path.Combine(Root(), path), text);

    private static string Root([CallerFilePath] string here = "")
    {
        foreach (var start in new[] { Path.GetDirectoryName(here), AppContext.BaseDirectory })
        {
            for (var folder = start; !string.IsNullOrEmpty(folder); folder = Path.GetDirectoryName(folder))
            {
                if (File.Exists(Path.Combine(folder, "BitTreeAlloc.slnx")))
                    return folder;
            }
        }

        throw new DirectoryNotFoundException("BitTreeAlloc.slnx was not found above the test's source or its assembly");
    }
}
