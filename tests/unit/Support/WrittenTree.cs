namespace BitTreeAlloc.Tests.Unit.Support;

/// <summary>A directory that stands for "/" and is removed at the end.</summary>
internal sealed class WrittenTree : IDisposable
{
    public WrittenTree(params (string Path, string Text)[] files)
    {
        foreach (var (path, text) in files)
            Write(path, text);
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("bittree").FullName;

    public void Write(string path, string text)
    {
        var full = Path.Combine(Root, path.TrimStart('/'));
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
