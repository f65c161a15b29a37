namespace BitTreeAlloc.Bench.Timing;

/// <summary>Someone who takes part in a loop: a round returns nanoseconds per operation.</summary>
internal sealed record Entrant(string Name, Func<double> Round);

/// <summary>What one entrant measured, a figure per round.</summary>
internal sealed record Row(string Name, double[] Nanoseconds)
{
    public double Median => At(0.5);

    /// <summary>The value below which a share of the rounds lies, interpolated.</summary>
    public double At(double share)
    {
        var sorted = Nanoseconds.Order().ToArray();
        var position = share * (sorted.Length - 1);
        var below = (int)position;
        return below + 1 < sorted.Length ? sorted[below] + ((position - below) * (sorted[below + 1] - sorted[below])) : sorted[below];
    }

    /// <summary>The median of the per-round ratios: noise that a round shares cancels out.</summary>
    public double RatioTo(Row yardstick) => RatiosTo(yardstick).Median;

    /// <summary>The ratios, a figure per round.</summary>
    public Row RatiosTo(Row yardstick) => new(Name, Nanoseconds.Zip(yardstick.Nanoseconds, (a, b) => a / b).ToArray());
}

/// <summary>The rows of one loop; the first is the yardstick of the ratios.</summary>
internal sealed record Table(string Loop, IReadOnlyList<Row> Rows);

/// <summary>
/// Entrants take turns within a round, in an order that changes from round to round, in one process. BenchmarkDotNet runs one benchmark to its end before the next begins; on a machine whose
/// neighbours come and go that compares two times of day, and it has no notion of a loop over two threads. So it serves the single-thread loops (SingleThread.cs), and this the rest.
/// </summary>
internal static class Interleaved
{
    private const int OrderSeed = 20;
    private const int WarmUps = 2;

    public static Table Run(string loop, IReadOnlyList<Entrant> entrants, int rounds)
    {
        var times = entrants.Select(_ => new double[rounds]).ToArray();
        var order = Enumerable.Range(0, entrants.Count).ToArray();
        var random = new Random(OrderSeed);
        for (var round = -WarmUps; round < rounds; round++)
        {
            random.Shuffle(order);
            foreach (var who in order)
            {
                var time = entrants[who].Round();
                if (round >= 0)
                    times[who][round] = time;
            }
        }

        return new Table(loop, [.. entrants.Select((entrant, who) => new Row(entrant.Name, times[who]))]);
    }
}
