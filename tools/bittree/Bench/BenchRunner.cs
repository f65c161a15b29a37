namespace BitTreeAlloc.Tool.Bench;

/// <summary>Runs the arms of a series in interleaved rounds.</summary>
internal static class BenchRunner
{
    private const int OrderSeed = 20;

    /// <summary>Warms each arm up once, then runs <paramref name="rounds"/> rounds, then what the series measures by other means.</summary>
    /// <param name="series">What is measured.</param>
    /// <param name="rounds">Counted rounds.</param>
    /// <param name="step">Called before each run with the arm's name; the warm-up and what follows the rounds included.</param>
    public static void Run(IBenchSeries series, int rounds, Action<string> step)
    {
        var order = Enumerable.Range(0, series.Arms.Count).ToArray();
        var random = new Random(OrderSeed);
        for (var round = -1; round < rounds; round++)
        {
            random.Shuffle(order);
            foreach (var arm in order)
            {
                step(series.Arms[arm]);
                series.Run(arm, counted: round >= 0);
            }
        }

        series.Finish(step);
    }
}
