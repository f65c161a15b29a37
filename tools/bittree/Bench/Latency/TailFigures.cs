namespace BitTreeAlloc.Tool.Bench.Latency;

/// <summary>A point of the complementary distribution.</summary>
/// <param name="Ns">Nanoseconds.</param>
/// <param name="Fraction">The part of the samples that took longer.</param>
internal readonly record struct CcdfPoint(double Ns, double Fraction);

/// <summary>What rows of single operations have beyond the percentiles.</summary>
internal sealed record TailFigures
{
    /// <summary>Median over the rounds of p99.9 over ours.</summary>
    public double? P999OverOurs { get; init; }

    /// <summary>Median over the rounds of p99.99 over ours.</summary>
    public double? P9999OverOurs { get; init; }

    /// <summary>What the clock costs, subtracted from each sample, in nanoseconds.</summary>
    public double? ClockNs { get; init; }

    /// <summary>The complementary distribution.</summary>
    public IReadOnlyList<CcdfPoint>? Ccdf { get; init; }
}
