using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>Another contender's time over ours, round by round: what a round's noise does to both cancels out.</summary>
internal sealed class RoundRatios
{
    /// <summary>Said where every round says so.</summary>
    public const string OursFaster = "ours faster";

    /// <summary>Said where every round says so.</summary>
    public const string OursSlower = "ours slower";

    /// <summary>Said where the rounds lie on both sides of 1, or where there is only one.</summary>
    public const string None = "no conclusion";

    private readonly double[] _ratios;

    public RoundRatios(IReadOnlyList<LoopSample> theirs, IReadOnlyList<LoopSample> ours) => _ratios = [.. theirs.Zip(ours, (their, our) => their.NsPerOp / our.NsPerOp)];

    /// <summary>The median.</summary>
    public double Median => RoundTimer.Median(_ratios);

    /// <summary>The lowest.</summary>
    public double Low => _ratios.Min();

    /// <summary>The highest.</summary>
    public double High => _ratios.Max();

    /// <summary>What may be said.</summary>
    public string Conclusion => _ratios.Length > 1 && Low > 1 ? OursFaster : _ratios.Length > 1 && High < 1 ? OursSlower : None;
}
