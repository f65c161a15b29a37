using System.Text.Json;

namespace BitTreeAlloc.Tool.Output;

/// <summary>Writes the rows as a JSON array: first to a file beside the target, then moved over it, so that nobody reads half a report.</summary>
internal sealed class JsonReport
{
    private readonly string _path;

    /// <summary>Makes sure, before the long run, that <paramref name="path"/> can be written.</summary>
    /// <exception cref="Cli.CliException">It cannot.</exception>
    public JsonReport(string path)
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
            throw new Cli.CliException($"--json: '{path}' cannot be written: {e.Message}");
        }
    }

    private string Temporary => $"{_path}.{Environment.ProcessId}.tmp";

    private bool IsDevice => _path.StartsWith("/dev/", StringComparison.Ordinal) || _path.StartsWith("/proc/", StringComparison.Ordinal);

    /// <summary>Writes all rows.</summary>
    public void Write(IEnumerable<ResultRow> rows) => Write(rows, WriteRow);

    /// <summary>Writes rows of any kind.</summary>
    public void Write<TRow>(IEnumerable<TRow> rows, Action<Utf8JsonWriter, TRow> writeRow)
    {
        if (IsDevice)
        {
            using var device = new FileStream(_path, FileMode.Open, FileAccess.Write);
            WriteTo(device, rows, writeRow);
            return;
        }

        using (var file = File.Create(Temporary))
            WriteTo(file, rows, writeRow);
        File.Move(Temporary, _path, overwrite: true);
    }

    /// <summary>Writes all rows to a stream.</summary>
    public static void WriteTo(Stream stream, IEnumerable<ResultRow> rows) => WriteTo(stream, rows, WriteRow);

    private static void WriteTo<TRow>(Stream stream, IEnumerable<TRow> rows, Action<Utf8JsonWriter, TRow> writeRow)
    {
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            foreach (var row in rows)
                writeRow(json, row);
            json.WriteEndArray();
        }

        stream.WriteByte((byte)'\n');
    }

    private static void WriteRow(Utf8JsonWriter json, ResultRow row)
    {
        json.WriteStartObject();
        json.WriteString("trace", row.Trace);
        json.WriteString("mode", row.Mode);
        json.WriteString("allocator", row.Allocator);
        json.WriteString("profile", row.Profile);
        json.WriteString("level", row.Level);
        json.WriteNumber("events", row.Events);
        json.WriteNumber("errors", row.Errors);
        json.WriteNumber("leftOver", row.LeftOver);
        Number(json, "nsPerEvent", row.NsPerEvent is { } ns ? Math.Round(ns, 4) : null);
        Number(json, "ratioToNative", row.RatioToNative is { } ratio ? Math.Round(ratio, 5) : null);
        Number(json, "ratioToFast", row.RatioToFast is { } slower ? Math.Round(slower, 5) : null);
        json.WriteNumber("peakLiveBytes", row.PeakLiveBytes);
        Number(json, "peakRssBytes", row.Memory?.Peak);
        Number(json, "rssAfterFreeBytes", row.Memory?.AfterFree);
        Number(json, "rssAfterTrimBytes", row.Memory?.AfterTrim);
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number)
            json.WriteNumber(name, number);
        else
            json.WriteNull(name);
    }
}
