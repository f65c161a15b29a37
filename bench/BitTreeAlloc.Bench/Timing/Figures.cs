using System.Globalization;
using System.Text.Json;

namespace BitTreeAlloc.Bench.Timing;

/// <summary>Tables for people and for programs.</summary>
internal static class Figures
{
    /// <summary>A table as it stands in a page: medians, the middle half and the extremes of the rounds, and the ratio to the first row.</summary>
    public static void Print(TextWriter output, Table table)
    {
        output.WriteLine(table.Loop);
        output.WriteLine();
        output.WriteLine($"| | ns, median | middle half | least – most | / {table.Rows[0].Name} |");
        output.WriteLine("|---|---|---|---|---|");
        foreach (var row in table.Rows)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {row.Name} | {row.Median:f1} | {row.At(0.25):f1} – {row.At(0.75):f1} | {row.At(0):f1} – {row.At(1):f1} | {row.RatioTo(table.Rows[0]):f2} |"));
        }

        output.WriteLine();
    }

    public static void Write(Utf8JsonWriter json, string subject, string loop, Row row)
    {
        json.WriteStartObject();
        json.WriteString("subject", subject);
        json.WriteString("loop", loop);
        json.WriteString("contender", row.Name);
        json.WriteNumber("rounds", row.Nanoseconds.Length);
        json.WriteNumber("medianNs", Math.Round(row.Median, 3));
        json.WriteNumber("lowerQuartileNs", Math.Round(row.At(0.25), 3));
        json.WriteNumber("upperQuartileNs", Math.Round(row.At(0.75), 3));
        json.WriteNumber("leastNs", Math.Round(row.At(0), 3));
        json.WriteNumber("mostNs", Math.Round(row.At(1), 3));
        json.WriteEndObject();
    }
}
