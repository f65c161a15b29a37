using System.Diagnostics;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>What reading the clock costs a sample.</summary>
internal static class ClockCost
{
    private const int Pairs = 100_000;

    /// <summary>Nanoseconds of a tick of <see cref="Stopwatch"/>.</summary>
    public static double NanosecondsPerTick { get; } = 1e9 / Stopwatch.Frequency;

    /// <summary>What two readings in a row differ by, in ticks: the median of many pairs.</summary>
    public static ulong Ticks()
    {
        var pairs = new LatencyHistogram();
        for (var i = 0; i < Pairs; i++)
        {
            var start = Stopwatch.GetTimestamp();
            pairs.Record((ulong)(Stopwatch.GetTimestamp() - start));
        }

        return pairs.Percentile(0.5);
    }
}
