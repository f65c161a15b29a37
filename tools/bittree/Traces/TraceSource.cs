using System.IO.Compression;
using System.Reflection;

namespace BitTreeAlloc.Tool.Traces;

/// <summary>Where a trace comes from: a file, plain or gzip-compressed, or the one inside the tool.</summary>
internal static class TraceSource
{
    /// <summary>What stands for the embedded trace where a path is expected.</summary>
    public const string Embedded = "(embedded)";

    /// <summary>The name of the embedded trace.</summary>
    public const string EmbeddedTrace = "sqlite";

    private const string EmbeddedName = EmbeddedTrace + ".mtr.gz";

    /// <summary>Reads a whole trace from a path, or from <see cref="Embedded"/>.</summary>
    /// <exception cref="TraceFormatException">The content is no consistent trace.</exception>
    /// <exception cref="IOException">The file cannot be opened or read; the message names no path.</exception>
    public static Trace Load(string path)
    {
        if (SyntheticTrace.Names.Contains(path))
            return SyntheticTrace.Make(path);
        using var stream = Open(path);
        return Load(stream);
    }

    /// <summary>The same, of a trace whose objects fit into this machine.</summary>
    /// <exception cref="TraceFormatException">The content is no consistent trace.</exception>
    /// <exception cref="IOException">The file cannot be opened or read, or it holds more than there is; the message names no path.</exception>
    public static Trace LoadFitting(string path)
    {
        var trace = Load(path);
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return trace.Header.PeakLiveBytes <= (ulong)memory
            ? trace
            : throw new IOException($"the trace holds {trace.Header.PeakLiveBytes} bytes at its peak, this machine offers {memory}");
    }

    /// <summary>Reads a whole trace from a seekable stream of plain or gzip bytes, told apart by their first two.</summary>
    public static Trace Load(Stream stream)
    {
        var compressed = stream.ReadByte() == 0x1F && stream.ReadByte() == 0x8B;
        stream.Position = 0;
        if (!compressed)
            return MtrReader.Read(stream);
        using var gzip = new CheckedGzip(stream);
        return MtrReader.Read(gzip);
    }

    private static Stream Open(string path)
    {
        if (path == Embedded)
            return Assembly.GetExecutingAssembly().GetManifestResourceStream(EmbeddedName) ?? throw new IOException("the embedded trace is missing");
        if (Directory.Exists(path))
            throw new IOException("this is a directory, not a trace");
        try
        {
            var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
            if (stream.CanSeek)
                return stream;
            stream.Dispose();
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException("no permission to read the file", e);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new IOException("no such file", e);
        }
        catch (ArgumentException e)
        {
            throw new IOException("this is no file name", e);
        }

        throw new IOException("this is a pipe or a device; save it to a file first (each memory figure reads it again)");
    }
}
