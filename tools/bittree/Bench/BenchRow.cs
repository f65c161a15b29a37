using BitTreeAlloc.Tool.Bench.Curves;
using BitTreeAlloc.Tool.Bench.Latency;
using BitTreeAlloc.Tool.Bench.Replays;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>The figures of one arm of a loop. Times in nanoseconds; what a loop does not measure is null.</summary>
internal sealed record BenchRow
{
    /// <summary>The loop's name.</summary>
    public required string Loop { get; init; }

    /// <summary>The arm; null where the arms are the allocators.</summary>
    public string? Arm { get; init; }

    /// <summary>The allocator's name.</summary>
    public required string Allocator { get; init; }

    /// <summary>BitTreeAlloc's memory policy in the comparison that the row belongs to; null where it took no part.</summary>
    public string? Profile { get; init; }

    /// <summary>Threads that allocate.</summary>
    public required int Threads { get; init; }

    /// <summary>Operations behind the figures, all rounds together.</summary>
    public required long Operations { get; init; }

    /// <summary>Median over the rounds of the time per operation.</summary>
    public double? NsPerOp { get; init; }

    /// <summary>Median over the rounds of the ratio to BitTreeAlloc's time in the same round.</summary>
    public double? TimeOverOurs { get; init; }

    /// <summary>Lower quartile of those ratios; the lowest where rounds are fewer than <see cref="Timed.RoundRatios.RoundsForQuartiles"/>.</summary>
    public double? TimeOverOursLow { get; init; }

    /// <summary>Upper quartile of those ratios; the highest where rounds are few.</summary>
    public double? TimeOverOursHigh { get; init; }

    /// <summary>What the ratios allow to say; null for BitTreeAlloc itself.</summary>
    public string? Conclusion { get; init; }

    /// <summary>
    /// Of the figure that the loop is about, upper over lower quartile of the rounds (highest over lowest where rounds are few): of the ratios; of BitTreeAlloc's own row, of its times.
    /// </summary>
    public double? Spread { get; init; }

    /// <summary>Percentiles of single operations.</summary>
    public LatencyFigures? Latency { get; init; }

    /// <summary>Median over the rounds of p99.9 against that of the loop's control arm.</summary>
    public double? P999OverControl { get; init; }

    /// <summary>Page faults of the measured thread per million operations.</summary>
    public double? FaultsPerMillion { get; init; }

    /// <summary>Growth of the resident set of a fresh process at its highest, less that of a run without allocations.</summary>
    public long? PeakRssBytes { get; init; }

    /// <summary>Operations before the first round, all threads together.</summary>
    public long? WarmUp { get; init; }

    /// <summary>Whether the loop writes to its buffers.</summary>
    public bool? Touched { get; init; }

    /// <summary>Page faults of the threads that allocate, per operation.</summary>
    public double? FaultsPerOp { get; init; }

    /// <summary>Calls of the operating system per operation, as BitTreeAlloc counts them.</summary>
    public double? OsCallsPerOp { get; init; }

    /// <summary>Times per operation that a magazine was filled from blocks or went home to them, as BitTreeAlloc counts them.</summary>
    public double? SlowPathsPerOp { get; init; }

    /// <summary>Slowest over median fill level of the cache, of the loop that has such levels.</summary>
    public double? LevelsMaxOverMedian { get; init; }

    /// <summary>Time of frees without a size over those with one, of the loop that has both.</summary>
    public double? UnsizedOverSized { get; init; }

    /// <summary>What rows of replayed traces have beyond the others.</summary>
    public ReplayFigures? Replay { get; init; }

    /// <summary>What rows of single operations have beyond the percentiles.</summary>
    public TailFigures? Tail { get; init; }

    /// <summary>What rows of curves have beyond the others.</summary>
    public CurveFigures? Curve { get; init; }
}

/// <summary>Percentiles in nanoseconds.</summary>
internal readonly record struct LatencyFigures(double P50, double P99, double P999, double P9999, double Max)
{
    /// <summary>Of a histogram of nanoseconds.</summary>
    public static LatencyFigures Of(LatencyHistogram histogram) =>
        new(histogram.Percentile(0.5), histogram.Percentile(0.99), histogram.Percentile(0.999), histogram.Percentile(0.9999), histogram.Max);
}
