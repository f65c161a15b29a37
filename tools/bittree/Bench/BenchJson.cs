using System.Text.Json;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>A row of the bench as a JSON object.</summary>
internal static class BenchJson
{
    /// <summary>Writes one row.</summary>
    public static void Write(Utf8JsonWriter json, BenchRow row)
    {
        json.WriteStartObject();
        json.WriteString("loop", row.Loop);
        json.WriteString("arm", row.Arm);
        json.WriteString("profile", row.Profile);
        json.WriteString("allocator", row.Allocator);
        json.WriteNumber("threads", row.Threads);
        json.WriteNumber("operations", row.Operations);
        Number(json, "nsPerOp", row.NsPerOp);
        Number(json, "timeOverOurs", row.TimeOverOurs);
        Number(json, "timeOverOursLow", row.TimeOverOursLow);
        Number(json, "timeOverOursHigh", row.TimeOverOursHigh);
        Number(json, "spread", row.Spread);
        json.WriteString("conclusion", row.Conclusion);
        Number(json, "peakRssBytes", row.PeakRssBytes);
        Number(json, "warmup", row.WarmUp);
        if (row.Touched is { } touched)
            json.WriteBoolean("touched", touched);
        else
            json.WriteNull("touched");
        Number(json, "faultsPerOp", row.FaultsPerOp);
        Number(json, "osCallsPerOp", row.OsCallsPerOp);
        Number(json, "faultsPerThousand", row.FaultsPerOp * 1000);
        Number(json, "osCallsPerThousand", row.OsCallsPerOp * 1000);
        Number(json, "slowPathsPerThousand", row.SlowPathsPerOp * 1000);
        Number(json, "levelsMaxOverMedian", row.LevelsMaxOverMedian);
        Number(json, "unsizedOverSized", row.UnsizedOverSized);
        Number(json, "p50Ns", row.Latency?.P50);
        Number(json, "p99Ns", row.Latency?.P99);
        Number(json, "p999Ns", row.Latency?.P999);
        Number(json, "p9999Ns", row.Latency?.P9999);
        Number(json, "maxNs", row.Latency?.Max);
        Number(json, "p999OverControl", row.P999OverControl);
        Number(json, "faultsPerMillion", row.FaultsPerMillion);
        json.WriteEndObject();
    }

    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
            json.WriteNumber(name, Math.Round(number, 6));
        else
            json.WriteNull(name);
    }
}
