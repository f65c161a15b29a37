namespace BitTreeAlloc.Tool.Output;

/// <summary>A file that a run writes at its end: first to a file beside the target, then moved over it, so that nobody reads half of it.</summary>
internal sealed class OutputFile
{
    private readonly string _path;

    /// <summary>Makes sure, before the long run, that <paramref name="path"/> can be written.</summary>
    /// <param name="option">The option that names the file, for the error.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="Cli.CliException">It cannot.</exception>
    public OutputFile(string option, string path)
    {
        try
        {
            _path = Path.GetFullPath(path);
            if (Directory.Exists(_path))
                throw new IOException("it is a directory");
            if (IsDevice)
                return;
            if (File.Exists(_path) && File.ResolveLinkTarget(_path, returnFinalTarget: true) is { } target)
                _path = target.FullName;
            if (File.Exists(_path))
                File.OpenHandle(_path, FileMode.Open, FileAccess.Write).Dispose();
            File.OpenHandle(Temporary, FileMode.Create, FileAccess.Write).Dispose();
            File.Delete(Temporary);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new Cli.CliException($"{option}: '{path}' cannot be written: {e.Message}");
        }
    }

    /// <summary>Whether two names mean one file.</summary>
    public bool IsSame(OutputFile other) => _path == other._path && !IsDevice;

    /// <summary>Writes the file.</summary>
    public void Write(Action<Stream> write)
    {
        if (IsDevice)
        {
            using var device = new FileStream(_path, FileMode.Open, FileAccess.Write);
            write(device);
            return;
        }

        using (var file = File.Create(Temporary))
            write(file);
        File.Move(Temporary, _path, overwrite: true);
    }

    private string Temporary => $"{_path}.{Environment.ProcessId}.tmp";

    private bool IsDevice => _path.StartsWith("/dev/", StringComparison.Ordinal) || _path.StartsWith("/proc/", StringComparison.Ordinal);
}
