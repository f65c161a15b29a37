using System.Text.Json;

namespace BitTreeAlloc.Tool.Output;

/// <summary>Writes the rows as a JSON array: first to a file beside the target, then moved over it, so that nobody reads half a report.</summary>
internal sealed class JsonReport
{
    private readonly OutputFile _file;

    /// <summary>Makes sure, before the long run, that <paramref name="path"/> can be written.</summary>
    /// <exception cref="Cli.CliException">It cannot.</exception>
    public JsonReport(string path) => _file = new OutputFile("--json", path);

    /// <summary>Whether it goes to the same file.</summary>
    public bool IsSame(OutputFile other) => _file.IsSame(other);

    /// <summary>Writes all rows.</summary>
    public void Write(IEnumerable<ResultRow> rows) => Write(rows, WriteRow);

    /// <summary>Writes rows of any kind.</summary>
    public void Write<TRow>(IEnumerable<TRow> rows, Action<Utf8JsonWriter, TRow> writeRow) => _file.Write(stream => WriteTo(stream, rows, writeRow));

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
