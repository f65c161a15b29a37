using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>Another contender's time over ours, round by round: what a round's noise does to both cancels out.</summary>
internal sealed class RoundRatios
{
    /// <summary>Said where the median is above 1 by more than the spread.</summary>
    public const string OursFaster = "ours faster";

    /// <summary>Said where the median is below 1 by more than the spread.</summary>
    public const string OursSlower = "ours slower";

    /// <summary>Said where the spread is larger than the difference, or where there is only one round.</summary>
    public const string None = "no conclusion";

    /// <summary>
    /// From so many rounds on, the spread is that of the middle half: the more rounds there are, the surer one of them was disturbed, and extremes would then hide what all others agree on. With fewer,
    /// quartiles say little, and all rounds count.
    /// </summary>
    public const int RoundsForQuartiles = 8;

    private readonly double[] _ratios;

    public RoundRatios(IReadOnlyList<LoopSample> theirs, IReadOnlyList<LoopSample> ours)
    {
        _ratios = [.. theirs.Zip(ours, (their, our) => their.NsPerOp / our.NsPerOp)];
        (Low, High) = MiddleOf(_ratios);
    }

    /// <summary>The median.</summary>
    public double Median => RoundTimer.Median(_ratios);

    /// <summary>The lower quartile; the lowest where rounds are few.</summary>
    public double Low { get; }

    /// <summary>The upper quartile; the highest where rounds are few.</summary>
    public double High { get; }

    /// <summary>What may be said. Differences are compared as factors: twice as fast is as far from 1 as half as fast.</summary>
    public string Conclusion
    {
        get
        {
            var difference = Math.Log(Median);
            return _ratios.Length < 2 || Math.Abs(difference) <= Math.Log(High / Low) ? None : difference > 0 ? OursFaster : OursSlower;
        }
    }

    /// <summary>Lower and upper quartile of the figures of all rounds; lowest and highest where rounds are fewer than <see cref="RoundsForQuartiles"/>.</summary>
    public static (double Low, double High) MiddleOf(IEnumerable<double> rounds)
    {
        double[] sorted = [.. rounds.Order()];
        var cut = sorted.Length < RoundsForQuartiles ? 0 : sorted.Length / 4;
        return (sorted[cut], sorted[^(cut + 1)]);
    }
}
