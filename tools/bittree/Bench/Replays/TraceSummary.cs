using System.Globalization;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>What the rows of all traces say together: geometric means per profile and allocator, and whether anybody is better in both time and memory.</summary>
internal static class TraceSummary
{
    /// <summary>The loop's name in the rows of means.</summary>
    public const string Loop = "traces-geomean";

    /// <summary>A row per profile and allocator. A mean over fewer traces than there are would compare different things: it is null.</summary>
    public static IEnumerable<BenchRow> Means(IEnumerable<BenchRow> rows)
    {
        foreach (var profile in OfTraces(rows).GroupBy(row => row.Profile))
        {
            var traces = profile.Select(row => row.Loop).Distinct().Count();
            foreach (var allocator in profile.GroupBy(row => row.Allocator))
            {
                var all = allocator.ToList();
                double? Mean(Func<BenchRow, double?> figure) => all.Count == traces ? GeometricMean(all.Select(figure)) : null;
                yield return new BenchRow
                {
                    Loop = Loop,
                    Allocator = allocator.Key,
                    Profile = profile.Key,
                    Threads = 1,
                    Operations = all.Sum(row => row.Operations),
                    NsPerOp = Mean(row => row.NsPerOp),
                    TimeOverOurs = Mean(row => row.TimeOverOurs),
                    Touched = false,
                    Replay = new ReplayFigures
                    {
                        PeakOverLive = Mean(row => row.Replay!.PeakOverLive),
                        ColdNsPerOp = Mean(row => row.Replay!.ColdNsPerOp),
                        ColdOverOurs = Mean(row => row.Replay!.ColdOverOurs),
                        UnsizedOverSized = Mean(row => row.Replay!.UnsizedOverSized),
                        TimeOverBestPeer = Mean(row => row.Replay!.TimeOverBestPeer),
                    },
                };
            }
        }
    }

    /// <summary>Lines for people, two per profile that took part. <paramref name="rows"/> has those of <see cref="Means"/> too.</summary>
    public static IEnumerable<string> Conclusions(IReadOnlyList<BenchRow> rows)
    {
        foreach (var profile in rows.Where(row => row.Loop == Loop).GroupBy(row => row.Profile))
        {
            if (profile.FirstOrDefault(row => row.Allocator == ContenderCatalog.BitTree) is not { } ours)
                continue;
            var traces = OfTraces(rows).Where(row => row.Profile == profile.Key).ToList();
            yield return $"{Loop}, {profile.Key}: {Figures(ours, [.. profile], traces)}.";
            yield return $"{Loop}, {profile.Key}: {Dominance(ours, [.. profile.Where(row => row != ours)])}";
        }
    }

    /// <summary>Who is better than ours in both figures.</summary>
    public static string Dominance(BenchRow ours, IReadOnlyList<BenchRow> others)
    {
        var compared = others.Where(row => row.TimeOverOurs is not null && row.Replay?.PeakOverLive is not null).ToList();
        if (compared.Count == 0 || ours.Replay?.PeakOverLive is null)
            return "nobody has both a time and a memory figure over all traces: no conclusion on dominance.";
        var better = compared.Where(row => row.TimeOverOurs < 1 && row.Replay!.PeakOverLive < ours.Replay.PeakOverLive).ToList();
        return better.Count == 0
            ? $"nobody is better in both geomean time and geomean peak/live (of {string.Join(", ", compared.Select(row => row.Allocator))})."
            : $"better in both geomean time and geomean peak/live: {string.Join(", ", better.Select(row => row.Allocator))}.";
    }

    /// <summary>The geometric mean; null where one is missing or not above 0.</summary>
    public static double? GeometricMean(IEnumerable<double?> values)
    {
        var all = values.ToList();
        return all.Count != 0 && all.TrueForAll(value => value > 0) ? Math.Exp(all.Average(value => Math.Log(value!.Value))) : null;
    }

    private static IEnumerable<BenchRow> OfTraces(IEnumerable<BenchRow> rows) => rows.Where(row => row.Replay is not null && row.Loop.StartsWith(TraceLoop.Prefix, StringComparison.Ordinal));

    private static string Figures(BenchRow ours, List<BenchRow> means, List<BenchRow> traces)
    {
        var own = traces.Where(row => row.Allocator == ContenderCatalog.BitTree).ToList();
        var parts = new List<string>();
        if (ours.Replay!.TimeOverBestPeer is { } best)
        {
            var worst = own.MaxBy(row => row.Replay!.TimeOverBestPeer)!;
            parts.Add(Say($"time over the best peer of each trace {best:0.000}, worst {worst.Replay!.TimeOverBestPeer:0.00} on {worst.Loop[TraceLoop.Prefix.Length..]}"));
        }

        if (means.Find(row => row.Allocator == ContenderCatalog.Native)?.TimeOverOurs is { } native)
            parts.Add(Say($"over NativeMemory {1 / native:0.000}"));
        if (ours.Replay.PeakOverLive is { } memory)
            parts.Add(Say($"peak/live {memory:0.000}, after Trim at most {own.Max(row => row.Replay!.AfterTrimBytes) / 1048576.0:0.00} MiB"));
        if (ours.Replay.UnsizedOverSized is { } unsized)
            parts.Add(Say($"unsized free over sized {unsized:0.000}"));
        if (ColdOverBest(own, traces) is { } cold)
            parts.Add(Say($"first runs over the best peer's {cold:0.00}"));
        return string.Join("; ", parts);
    }

    private static double? ColdOverBest(List<BenchRow> own, List<BenchRow> traces) => GeometricMean(own.Select(row =>
        1 / traces.Where(other => other.Loop == row.Loop && TraceContenders.IsKnownPeer(other.Allocator)).Min(other => other.Replay!.ColdOverOurs)));

    private static string Say(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
