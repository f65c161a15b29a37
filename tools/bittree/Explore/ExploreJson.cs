using System.Text.Json;
using BitTreeAlloc.Model.Mutants;
using BitTreeAlloc.Tool.Cli;

namespace BitTreeAlloc.Tool.Explore;

/// <summary>The rows as a JSON array in a file.</summary>
internal static class ExploreJson
{
    /// <summary>Makes sure, before the long run, that the file can be written.</summary>
    /// <exception cref="CliException">It cannot.</exception>
    public static void Check(string option, string path)
    {
        try
        {
            File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CliException($"{option}: '{path}' cannot be written: {e.Message}");
        }
    }

    public static void Write(string path, IEnumerable<ExploreRow> rows) => WriteTo(path, json =>
    {
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("scenario", row.Scenario);
            json.WriteString("engine", row.Engine);
            json.WriteString("model", row.Model);
            json.WriteNumber("executions", row.Executions);
            json.WriteNumber("blocked", row.Blocked);
            json.WriteBoolean("exhaustive", row.Exhaustive);
            if (row.Bound is { } bound)
                json.WriteNumber("bound", bound);
            else
                json.WriteNull("bound");
            json.WriteNumber("bugs", row.Bugs);
            json.WriteNumber("seconds", Math.Round(row.Seconds, 6));
            json.WriteEndObject();
        }
    });

    public static void Write(string path, IEnumerable<MutantRow> rows) => WriteTo(path, json =>
    {
        foreach (var row in rows)
        {
            json.WriteStartObject();
            json.WriteString("mutant", row.Mutant);
            json.WriteString("scenario", row.Scenario);
            json.WriteBoolean("killed", row.Killed);
            json.WriteNumber("executions", row.Executions);
            json.WriteBoolean("equivalent", row.Equivalent);
            json.WriteEndObject();
        }
    });

    private static void WriteTo(string path, Action<Utf8JsonWriter> rows)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartArray();
            rows(json);
            json.WriteEndArray();
        }

        stream.WriteByte((byte)'\n');
        File.WriteAllBytes(path, stream.ToArray());
    }
}
