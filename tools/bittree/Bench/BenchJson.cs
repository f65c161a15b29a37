using System.Text.Json;
using BitTreeAlloc.Tool.Bench.Latency;
using BitTreeAlloc.Tool.Bench.Replays;

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
        Number(json, "levelsMaxOverMedian", row.LevelsMaxOverMedian);
        Number(json, "unsizedOverSized", row.UnsizedOverSized ?? row.Replay?.UnsizedOverSized);
        Number(json, "p50Ns", row.Latency?.P50);
        Number(json, "p99Ns", row.Latency?.P99);
        Number(json, "p999Ns", row.Latency?.P999);
        Number(json, "p9999Ns", row.Latency?.P9999);
        Number(json, "maxNs", row.Latency?.Max);
        Number(json, "p999OverControl", row.P999OverControl);
        Number(json, "faultsPerMillion", row.FaultsPerMillion);
        WriteReplay(json, row);
        Write(json, row.Tail);
        Number(json, "x", row.Curve?.X);
        json.WriteString("xUnit", row.Curve?.XUnit);
        Number(json, "metadataBytes", row.Curve?.MetadataBytes);
        Number(json, "residentBytesPerThread", row.Curve?.ResidentBytesPerThread);
        json.WriteEndObject();
    }

    private static void WriteReplay(Utf8JsonWriter json, BenchRow row)
    {
        var figures = row.Replay;
        Number(json, "peakLiveBytes", figures?.PeakLiveBytes);
        Number(json, "peakOverLive", figures?.PeakOverLive);
        Number(json, "afterFreeBytes", figures?.AfterFreeBytes);
        Number(json, "afterTrimBytes", figures?.AfterTrimBytes);
        Number(json, "coldNsPerOp", figures?.ColdNsPerOp);
        Number(json, "coldOverOurs", figures?.ColdOverOurs);
        Number(json, "timeOverBestPeer", figures?.TimeOverBestPeer);
        Number(json, "faultsPer1000", figures?.FaultsPer1000 ?? (row.FaultsPerOp * 1000));
        Number(json, "osCallsPer1000", figures?.OsCallsPer1000 ?? (row.OsCallsPerOp * 1000));
        Number(json, "slowPathsPer1000", figures?.SlowPathsPer1000 ?? (row.SlowPathsPerOp * 1000));
        Number(json, "coldFaultsPer1000", figures?.ColdFaultsPer1000);
        Number(json, "coldOsCallsPer1000", figures?.ColdOsCallsPer1000);
        Number(json, "coldSlowPathsPer1000", figures?.ColdSlowPathsPer1000);
    }

    private static void Write(Utf8JsonWriter json, TailFigures? figures)
    {
        Number(json, "p999OverOurs", figures?.P999OverOurs);
        Number(json, "p9999OverOurs", figures?.P9999OverOurs);
        Number(json, "clockNs", figures?.ClockNs);
        if (figures?.Ccdf is not { } ccdf)
        {
            json.WriteNull("ccdf");
            return;
        }

        json.WriteStartArray("ccdf");
        foreach (var point in ccdf)
        {
            json.WriteStartArray();
            json.WriteNumberValue(point.Ns);
            json.WriteNumberValue(point.Fraction);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void Number(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number))
            json.WriteNumber(name, Math.Round(number, 6));
        else
            json.WriteNull(name);
    }
}
