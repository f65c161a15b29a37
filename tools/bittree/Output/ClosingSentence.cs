using System.Globalization;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Output;

/// <summary>What the table says, in words.</summary>
internal static class ClosingSentence
{
    /// <summary>Makes the sentences for <paramref name="rows"/>.</summary>
    public static string Make(IReadOnlyList<ResultRow> rows, bool verified) => string.Join(' ', Parts(rows, verified));

    private static IEnumerable<string> Parts(IReadOnlyList<ResultRow> rows, bool verified)
    {
        var bad = rows.Where(r => r.Errors != 0 || r.LeftOver != 0).ToList();
        if (bad.Count != 0)
            yield return $"Not right: {string.Join(", ", bad.Select(r => $"{r.Label} on {r.Trace} ({r.Mode})").Distinct())}; see the lines above.";
        else if (verified)
            yield return $"Every byte of {Plural(rows.Count, "replay")} was checked: no errors, nothing left over.";

        foreach (var group in rows.Where(r => r.Allocator == ContenderCatalog.BitTree && r.RatioToNative is not null).GroupBy(r => r.Profile))
        {
            var ratio = GeometricMean(group.Select(r => r.RatioToNative!.Value));
            var where = group.Count() == 1 ? "" : $" (geometric mean of {group.Count()} rows)";
            yield return $"BitTreeAlloc ({group.Key}) took {Number(ratio)} times as long as NativeMemory{where}: {Speed(ratio)}.";
        }

        var memory = rows.Where(r => r is { Allocator: ContenderCatalog.BitTree, Memory: not null, PeakLiveBytes: > 0 }).ToList();
        if (memory.Count != 0)
        {
            var most = memory.Max(r => (double)r.Memory!.Value.Peak / r.PeakLiveBytes);
            var kept = memory.Max(r => r.Memory!.Value.AfterTrim) / 1e6;
            yield return $"At its peak it held at most {Number(most)} bytes of memory per live byte, and after Trim at most {Number(Math.Max(0, kept))} MB of it.";
        }
    }

    private static string Speed(double ratio) => ratio <= 1
        ? $"{((1 / ratio) - 1) * 100:0} % faster"
        : $"{(ratio - 1) * 100:0} % slower";

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Plural(int count, string noun) => count == 1 ? $"the one {noun}" : $"all {count} {noun}s";

    private static double GeometricMean(IEnumerable<double> values) => Math.Exp(values.Select(v => Math.Log(Math.Max(v, 1e-9))).Average());
}
