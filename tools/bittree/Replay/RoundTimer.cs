namespace BitTreeAlloc.Tool.Replay;

/// <summary>The times of several contenders over the same rounds.</summary>
/// <param name="Nanoseconds">Per contender, one entry per round.</param>
/// <param name="LeftOver">Per contender, what it counts as live at the end.</param>
internal sealed record RoundTimes(double[][] Nanoseconds, long[] LeftOver)
{
    /// <summary>The median time of contender <paramref name="who"/>, in nanoseconds.</summary>
    public double Median(int who) => RoundTimer.Median(Nanoseconds[who]);

    /// <summary>The median of the per-round ratios of <paramref name="who"/> to <paramref name="yardstick"/>: noise that a round shares cancels out.</summary>
    public double Ratio(int who, int yardstick) =>
        RoundTimer.Median(Nanoseconds[who].Zip(Nanoseconds[yardstick], (a, b) => b > 0 ? a / b : 1).ToArray());
}

/// <summary>Times contenders in interleaved rounds, in an order that changes from round to round.</summary>
internal static class RoundTimer
{
    private const int OrderSeed = 20;

    // The runtime waits 100 ms without new methods before it compiles hot ones again; the second warm-up then runs that code.
    private static readonly TimeSpan s_tieringPause = TimeSpan.FromMilliseconds(150);

    /// <summary>Warms each contender up twice, untimed, then runs <paramref name="rounds"/> rounds.</summary>
    /// <param name="contenders">Who takes part.</param>
    /// <param name="workload">What is replayed.</param>
    /// <param name="rounds">Timed rounds.</param>
    /// <param name="step">Called after each replay, warm-up included.</param>
    public static RoundTimes Run(IReadOnlyList<Contender> contenders, Workload workload, int rounds, Action step)
    {
        var series = new List<TimedSeries>();
        try
        {
            foreach (var contender in contenders)
                series.Add(contender.StartTiming(workload));
            foreach (var one in series)
            {
                _ = one.Round();
                Thread.Sleep(s_tieringPause);
                _ = one.Round();
                step();
            }

            Thread.Sleep(s_tieringPause);
            var times = contenders.Select(_ => new double[rounds]).ToArray();
            var order = Enumerable.Range(0, series.Count).ToArray();
            var random = new Random(OrderSeed);
            for (var round = 0; round < rounds; round++)
            {
                random.Shuffle(order);
                foreach (var who in order)
                {
                    times[who][round] = series[who].Round();
                    step();
                }
            }

            return new RoundTimes(times, series.Select(s => s.Finish()).ToArray());
        }
        finally
        {
            foreach (var one in series)
                one.Dispose();
        }
    }

    /// <summary>The median; of an even number of values, the mean of the middle two.</summary>
    public static double Median(double[] values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
