using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Timed;

/// <summary>A timed loop while it is measured: an arm per contender. One that fails is left out of the rounds that follow and has no time; the others go on.</summary>
internal sealed class TimedSeries : IBenchSeries
{
    private readonly TimedLoop _loop;
    private readonly BenchRequest _request;
    private readonly Profile _profile;
    private readonly List<BenchContender> _contenders;
    private readonly LoopArm?[] _arms;
    private readonly List<LoopSample>[] _rounds;
    private readonly long?[] _peaks;
    private readonly string?[] _failures;

    public TimedSeries(TimedLoop loop, BenchRequest request, Profile profile, List<BenchContender> contenders)
    {
        (_loop, _request, _profile, _contenders) = (loop, request, profile, contenders);
        Arms = contenders.ConvertAll(contender => contender.Name);
        _arms = new LoopArm?[contenders.Count];
        _rounds = [.. contenders.Select(_ => new List<LoopSample>())];
        _peaks = new long?[contenders.Count];
        _failures = new string?[contenders.Count];
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Arms { get; }

    /// <inheritdoc/>
    public int FinishSteps => _request.MeasuresMemory && RssReader.IsSupported ? Arms.Count + 1 : 0;

    /// <inheritdoc/>
    public IEnumerable<string> Failures => Arms.Zip(_failures, (arm, failure) => (arm, failure)).Where(pair => pair.failure is not null).Select(pair => $"{pair.arm}: {pair.failure}");

    /// <inheritdoc/>
    public void Run(int arm, bool counted)
    {
        if (_failures[arm] is not null)
            return;
        try
        {
            var own = _arms[arm] ??= new LoopArm(_loop, _contenders[arm].Open(_loop), _request.RoundTime);
            if (counted)
                _rounds[arm].Add(own.Round(_rounds[arm].Count));
            else
                own.WarmUp();
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            _failures[arm] = e.Message;
        }
    }

    /// <summary>Peaks of memory, each in a fresh process, less that of a run without allocations.</summary>
    public void Finish(Action<string> step)
    {
        if (FinishSteps == 0)
            return;
        step("memory without allocations");
        var (empty, problem) = LoopChild.Start(_loop, ContenderCatalog.Empty, _request, _profile);
        for (var arm = 0; arm < Arms.Count; arm++)
        {
            step($"memory of {Arms[arm]}");
            if (_failures[arm] is not null)
                continue;
            var (figures, error) = empty is null ? (null, problem) : LoopChild.Start(_loop, Arms[arm], _request, _profile);
            _peaks[arm] = figures?.Peak - empty?.Peak;
            _failures[arm] = error;
        }
    }

    /// <inheritdoc/>
    public IEnumerable<BenchRow> Rows()
    {
        var ours = OursOrNull();
        for (var arm = 0; arm < Arms.Count; arm++)
        {
            var rounds = _rounds[arm];
            var ratios = ours is null || rounds.Count != ours.Count || rounds.Count == 0 ? null : new RoundRatios(rounds, ours);
            var operations = rounds.Sum(round => round.Operations);
            var middle = ratios is null || ReferenceEquals(rounds, ours) ? OwnMiddle(rounds) : (ratios.Low, ratios.High);
            yield return _loop.Complete(new BenchRow
            {
                Loop = _loop.Name,
                Allocator = Arms[arm],
                Profile = _profile.ToString(),
                Threads = _loop.Threads,
                Operations = operations,
                NsPerOp = rounds.Count == 0 ? null : RoundTimer.Median([.. rounds.Select(round => round.NsPerOp)]),
                TimeOverOurs = ratios?.Median,
                TimeOverOursLow = ratios?.Low,
                TimeOverOursHigh = ratios?.High,
                Spread = middle.High / middle.Low,
                Conclusion = ReferenceEquals(rounds, ours) ? null : ratios?.Conclusion,
                PeakRssBytes = _peaks[arm],
                WarmUp = _arms[arm]?.WarmUpOperations,
                Touched = _loop.Touched,
                FaultsPerOp = PerOperation(rounds.Sum(round => round.Faults), rounds.TrueForAll(round => round.Faults is not null), operations),
                OsCallsPerOp = PerOperation(rounds.Sum(round => round.OsCalls), rounds.TrueForAll(round => round.OsCalls is not null), operations),
                SlowPathsPerOp = PerOperation(rounds.Sum(round => round.SlowPaths), rounds.TrueForAll(round => round.SlowPaths is not null), operations),
            }, rounds.ConvertAll(round => round.Parts ?? [round.NsPerOp]));
        }
    }

    /// <inheritdoc/>
    public IEnumerable<string> Conclusions()
    {
        if (OursOrNull() is null)
            yield break;
        var said = Rows().Where(row => row.Conclusion is not null).GroupBy(row => row.Conclusion).OrderBy(group => group.Key, StringComparer.Ordinal);
        if (string.Join("; ", said.Select(group => $"{group.Key}{(group.Key == RoundRatios.None ? ":" : " than")} {string.Join(", ", group.Select(row => row.Allocator))}")) is { Length: > 0 } line)
            yield return line;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var arm in _arms)
            arm?.Dispose();
    }

    private static (double? Low, double? High) OwnMiddle(List<LoopSample> rounds) => rounds.Count == 0 ? default : RoundRatios.MiddleOf(rounds.Select(round => round.NsPerOp));

    private List<LoopSample>? OursOrNull() =>
        _contenders.FindIndex(contender => contender.Name == ContenderCatalog.BitTree) is >= 0 and var ours && _rounds[ours].Count != 0 ? _rounds[ours] : null;

    private static double? PerOperation(long? count, bool isKnown, long operations) => isKnown && operations != 0 ? (double?)count / operations : null;
}
