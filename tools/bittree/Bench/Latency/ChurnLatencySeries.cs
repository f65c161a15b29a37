using System.Globalization;
using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Replays;
using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Latency;

/// <summary>The arms of 'latency-churn', one per allocator. One that fails is left out of the rounds that follow and has no figures; the others go on.</summary>
internal sealed class ChurnLatencySeries : IBenchSeries
{
    /// <summary>Objects in the live set.</summary>
    public const int Live = 100_000;

    private const int Checked = 200_000;

    private readonly BenchRequest _request;
    private readonly Profile _profile;
    private readonly Arm[] _arms;
    private readonly ulong _clockTicks = ClockCost.Ticks();

    public ChurnLatencySeries(BenchRequest request, Profile profile, IEnumerable<BenchContender> contenders)
    {
        (_request, _profile) = (request, profile);
        _arms = [.. contenders.Select(contender => new Arm(contender))];
        Arms = [.. _arms.Select(arm => arm.Contender.Name)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Arms { get; }

    /// <inheritdoc/>
    public IEnumerable<string> Failures => _arms.Where(arm => arm.Failure is not null).Select(arm => $"{arm.Contender.Name}: {arm.Failure}");

    private long SamplesPerRound => Math.Max(1, _request.Samples / _request.Rounds);

    private Arm? Ours => Array.Find(_arms, arm => arm.Contender.Name == ContenderCatalog.BitTree);

    /// <inheritdoc/>
    public void Run(int arm, bool counted)
    {
        var own = _arms[arm];
        if (own.Failure is not null)
            return;
        try
        {
            own.Body ??= own.Contender.Open(new ChurnLatencyLoop.Parts())[0];
            if (counted)
            {
                Sample(own, own.Rounds.Count, SamplesPerRound);
                return;
            }

            own.Body.Begin(-1, verify: true);
            own.Body.Run(Math.Min(Checked, SamplesPerRound));
            own.Body.End();
            Sample(own, -1, Math.Max(1, SamplesPerRound / 4));
            own.Rounds.Clear();
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            own.Failure = e.Message;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<BenchRow> Rows() => _arms.Select(Row);

    /// <inheritdoc/>
    public IEnumerable<string> Conclusions()
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"the clock's own cost, {_clockTicks * ClockCost.NanosecondsPerTick:0} ns (median of pairs of readings), is subtracted from each sample.");
        foreach (var (name, fraction) in ((string, double)[])[("p99.9", 0.999), ("p99.99", 0.9999)])
        {
            if (Verdict(name, fraction) is { } line)
                yield return line;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var arm in _arms)
        {
            if (arm.Body is null || arm.Failure is not null)
                continue;
            arm.Body.End();
            arm.Body.CloseThread();
            arm.Body.Close();
        }
    }

    private void Sample(Arm arm, int round, long count)
    {
        var samples = new LatencyHistogram();
        var sampled = (ISampled)arm.Body!;
        (sampled.Samples, sampled.ClockTicks) = (samples, _clockTicks);
        arm.Body!.Begin(round, verify: false);
        var (faults, calls) = (ThreadFaults.Read(), arm.Body.OsCalls());
        arm.Body.Run(count);
        arm.Faults += ThreadFaults.Read() - faults;
        arm.OsCalls += arm.Body.OsCalls() - calls;
        arm.Rounds.Add(samples);
        if (round < 0)
            (arm.Faults, arm.OsCalls) = (0, 0);
    }

    private BenchRow Row(Arm arm)
    {
        var all = new LatencyHistogram();
        foreach (var round in arm.Rounds)
            all.Add(round);
        var ours = Ours;
        var ratios = Ratios(arm, round => round.Mean);
        var tails = arm.Rounds.Select(round => (double)Math.Max(1, round.Percentile(0.999))).ToList();
        return new BenchRow
        {
            Loop = "latency-churn",
            Allocator = arm.Contender.Name,
            Profile = _profile.ToString(),
            Threads = 1,
            Operations = all.Count,
            NsPerOp = all.Count == 0 ? null : all.Mean,
            TimeOverOurs = ratios is null ? null : RoundTimer.Median(ratios),
            TimeOverOursLow = ratios?.Min(),
            TimeOverOursHigh = ratios?.Max(),
            Spread = tails.Count == 0 ? null : tails.Max() / tails.Min(),
            Touched = true,
            Latency = all.Count == 0 ? null : LatencyFigures.Of(all),
            Tail = new TailFigures
            {
                P999OverOurs = Ratios(arm, round => round.Percentile(0.999)) is { } p999 ? RoundTimer.Median(p999) : null,
                P9999OverOurs = Ratios(arm, round => round.Percentile(0.9999)) is { } p9999 ? RoundTimer.Median(p9999) : null,
                ClockNs = _clockTicks * ClockCost.NanosecondsPerTick,
                Ccdf = all.Count == 0 ? null : all.Ccdf(),
            },
            Conclusion = arm == ours || ratios is null ? null : ratios.Length > 1 && ratios.Min() > 1 ? RoundRatios.OursFaster : ratios.Length > 1 && ratios.Max() < 1 ? RoundRatios.OursSlower : RoundRatios.None,
            FaultsPerMillion = all.Count == 0 ? null : 1e6 * arm.Faults / all.Count,
            FaultsPerOp = all.Count == 0 ? null : (double?)arm.Faults / all.Count,
            OsCallsPerOp = all.Count == 0 ? null : (double?)arm.OsCalls / all.Count,
        };
    }

    private double[]? Ratios(Arm arm, Func<LatencyHistogram, double> figure) =>
        Ours is not { } ours || arm.Rounds.Count == 0 || arm.Rounds.Count != ours.Rounds.Count
            ? null
            : [.. arm.Rounds.Zip(ours.Rounds, (their, our) => Math.Max(1, figure(their)) / Math.Max(1, figure(our)))];

    private string? Verdict(string name, double fraction)
    {
        var peers = _arms.Where(arm => TraceContenders.IsKnownPeer(arm.Contender.Name)).Select(arm => (arm.Contender.Name, Ratios: Ratios(arm, round => round.Percentile(fraction)))).Where(peer => peer.Ratios is not null).ToList();
        if (peers.Count == 0)
            return null;
        var (best, ratios) = peers.MinBy(peer => RoundTimer.Median(peer.Ratios!));
        var inverse = ratios!.Select(ratio => 1 / ratio).ToArray();
        return string.Create(CultureInfo.InvariantCulture, $"{name}: ours over the best peer's ({best}) {RoundTimer.Median(inverse):0.00} (rounds {inverse.Min():0.00} to {inverse.Max():0.00}).");
    }

    private sealed class Arm(BenchContender contender)
    {
        public BenchContender Contender { get; } = contender;

        public LoopBody? Body { get; set; }

        public List<LatencyHistogram> Rounds { get; } = [];

        public long? Faults { get; set; } = 0;

        public long? OsCalls { get; set; } = 0;

        public string? Failure { get; set; }
    }
}
