using System.Globalization;
using BitTreeAlloc.Tool.Bench.Latency;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench;

/// <summary>
/// The arms of 'latency-trim': one thread allocates and is measured; the other is idle, or fills 256 MiB and frees them over and over, or does that and calls Trim each time. The second is the
/// control: the same load beside, but for Trim. Of the third arm, the samples that lie wholly within a Trim are kept apart, and it runs until it has as many of them as the others have in all.
/// </summary>
internal sealed class LatencyTrimSeries : IBenchSeries
{
    private const int Idle = 0;
    private const int Control = 1;
    private const int Trimming = 2;

    /// <summary>The claim: p99.9 during Trim is at most this many times that without.</summary>
    private const double Bar = 2;

    private static readonly string[] s_arms = ["idle neighbour", "neighbour fills, frees", "neighbour fills, frees, trims"];

    private readonly BenchRequest _request;
    private readonly Profile _profile;
    private readonly BitTreeAllocator _allocator;
    private readonly MeasuredThread _measured;
    private readonly List<AllocSamples>[] _rounds = [[], [], []];

    public LatencyTrimSeries(BenchRequest request, Profile profile)
    {
        (_request, _profile) = (request, profile);
        _allocator = new BitTreeAllocator(new BitTreeAllocatorOptions { Profile = profile, CasWidth = request.Cas });
        _measured = new MeasuredThread(_allocator);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Arms => s_arms;

    private long SamplesPerRound => Math.Max(1, _request.Samples / _request.Rounds);

    /// <inheritdoc/>
    public void Run(int arm, bool counted)
    {
        var samples = new AllocSamples();
        using (var neighbour = arm == Idle ? null : new FillingNeighbour(_allocator, trims: arm == Trimming))
        {
            _measured.Run(samples, SamplesPerRound / (counted ? 1 : 4), neighbour);
            neighbour?.Stop();
            samples.Trims = neighbour?.Trims ?? 0;
            samples.TrimSeconds = neighbour?.TrimTime.TotalSeconds ?? 0;
        }

        if (counted)
            _rounds[arm].Add(samples);
    }

    /// <inheritdoc/>
    public IEnumerable<BenchRow> Rows()
    {
        yield return Row(s_arms[Idle], _rounds[Idle], round => round.All);
        yield return Row(s_arms[Control], _rounds[Control], round => round.All);
        yield return Row($"{s_arms[Trimming]}: whole", _rounds[Trimming], round => round.All);
        yield return Row($"{s_arms[Trimming]}: during Trim", _rounds[Trimming], round => round.During);
    }

    /// <inheritdoc/>
    public IEnumerable<string> Conclusions()
    {
        var trims = _rounds[Trimming].Sum(round => round.Trims);
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{trims} trims of 256 MiB, {1000 * _rounds[Trimming].Sum(round => round.TrimSeconds) / Math.Max(1, trims):0.0} ms each. The clock's own cost, {_measured.ClockNanoseconds:0} ns (median of pairs of readings), is subtracted from each sample.");
        yield return Verdict("the neighbour that does not trim", Control);
        yield return Verdict("the idle neighbour", Idle);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _measured.Dispose();
        _allocator.Dispose();
    }

    private string Verdict(string beside, int control)
    {
        var ratios = Ratios(control, _rounds[Trimming], round => round.During);
        var says = ratios.Max() <= Bar ? $"at most {Bar:0} in every round: it holds"
            : ratios.Min() > Bar ? $"above {Bar:0} in every round: it does not hold"
            : "the rounds disagree: no conclusion from this run";
        return string.Create(CultureInfo.InvariantCulture, $"p99.9 during Trim over p99.9 beside {beside}: {RoundTimer.Median(ratios):0.00} (rounds {ratios.Min():0.00} to {ratios.Max():0.00}); {says}.");
    }

    private BenchRow Row(string arm, List<AllocSamples> rounds, Func<AllocSamples, LatencyHistogram> part)
    {
        var all = new LatencyHistogram();
        foreach (var round in rounds)
            all.Add(part(round));
        var own = rounds.Select(round => P999(part(round))).ToArray();
        var total = rounds.Sum(round => round.All.Count);
        return new BenchRow
        {
            Loop = "latency-trim",
            Arm = arm,
            Allocator = "bittree",
            Profile = _profile.ToString(),
            Threads = rounds == _rounds[Idle] ? 1 : 2,
            Operations = all.Count,
            Spread = own.Max() / own.Min(),
            Latency = LatencyFigures.Of(all),
            Tail = new TailFigures { ClockNs = _measured.ClockNanoseconds, Ccdf = all.Ccdf() },
            P999OverControl = RoundTimer.Median(Ratios(Control, rounds, part)),
            FaultsPerMillion = rounds.TrueForAll(round => round.Faults is not null) ? 1e6 * rounds.Sum(round => round.Faults!.Value) / Math.Max(1, total) : null,
        };
    }

    private double[] Ratios(int control, List<AllocSamples> rounds, Func<AllocSamples, LatencyHistogram> part) =>
        [.. rounds.Zip(_rounds[control], (one, other) => P999(part(one)) / P999(other.All))];

    private static double P999(LatencyHistogram histogram) => Math.Max(1, histogram.Percentile(0.999));
}
