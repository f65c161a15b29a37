using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>
/// A trace while it is measured: an arm per allocator, and one of ours with frees that are not told the size. After the rounds come first runs in fresh processes, interleaved too, and memory. One
/// that fails is left out of what follows and has no figures; the others go on.
/// </summary>
internal sealed class TraceSeries : IBenchSeries
{
    private readonly string _name;
    private readonly NamedTrace _trace;
    private readonly BenchRequest _request;
    private readonly Profile _profile;
    private readonly TraceMemory _memory;
    private readonly Workload _workload;
    private readonly TraceArm[] _arms;

    public TraceSeries(string name, NamedTrace trace, BenchRequest request, Profile profile, TraceMemory memory)
    {
        (_name, _trace, _request, _profile, _memory) = (name, trace, request, profile, memory);
        _workload = new Workload(trace.Trace, ReplayMode.Serial);
        var contenders = TraceContenders.Make(request, profile);
        if (contenders.Exists(contender => contender.Name == ContenderCatalog.BitTree))
            contenders.Insert(1, ContenderCatalog.Make(ContenderCatalog.BitTreeUnsized, profile, Level.Fast, request.Cas)!);
        _arms = [.. contenders.Select(contender => new TraceArm(contender))];
        Arms = [.. _arms.Select(arm => arm.Contender.Name)];
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Arms { get; }

    /// <inheritdoc/>
    public int FinishSteps => TraceMemory.IsMeasured(_request) ? Compared.Count() * (ColdRounds + 1) : 0;

    /// <inheritdoc/>
    public IEnumerable<string> Failures => _arms.Where(arm => arm.Failure is not null).Select(arm => $"{arm.Contender.Name}: {arm.Failure}");

    private int ColdRounds => Math.Min(_request.Rounds, MemoryStudy.MostChildren);

    /// <summary>The arms that get rows.</summary>
    private IEnumerable<TraceArm> Compared => _arms.Where(arm => arm.Contender.Name != ContenderCatalog.BitTreeUnsized);

    private TraceArm? Ours => Array.Find(_arms, arm => arm.Contender.Name == ContenderCatalog.BitTree);

    private int Events => Math.Max(1, _trace.Trace.Events.Length);

    /// <inheritdoc/>
    public void Run(int arm, bool counted) => _arms[arm].Round(_workload, counted);

    /// <inheritdoc/>
    public void Finish(Action<string> step)
    {
        if (FinishSteps == 0)
            return;
        var order = Compared.ToArray();
        var random = new Random(1);
        for (var round = 0; round < ColdRounds; round++)
        {
            random.Shuffle(order);
            foreach (var arm in order)
            {
                step($"first run of {arm.Contender.Label}");
                if (arm.Failure is not null)
                    continue;
                var name = arm.Contender.Name;
                var (figures, error) = ColdChild.Start(
                    new MeasureRequest(_trace.File, ReplayMode.Serial, name, _profile, Level.Fast, _request.Cas, TraceContenders.FileOf(name, _request)));
                arm.Failure = error;
                if (figures is { } one)
                    arm.Cold.Add(one);
            }
        }

        foreach (var arm in Compared)
        {
            var (figures, error) = arm.Failure is null ? _memory.Measure(arm.Contender, step) : (null, arm.Failure);
            (arm.Memory, arm.Failure) = (figures, error);
        }
    }

    /// <inheritdoc/>
    public IEnumerable<BenchRow> Rows()
    {
        var rows = Compared.Select(Row).ToList();
        var best = rows.Where(row => TraceContenders.IsKnownPeer(row.Allocator)).Min(row => row.TimeOverOurs);
        return rows.Select(row => row with { Replay = row.Replay! with { TimeOverBestPeer = row.TimeOverOurs / best } });
    }

    /// <inheritdoc/>
    public IEnumerable<string> Conclusions()
    {
        var said = Rows().Where(row => row.Conclusion is not null).GroupBy(row => row.Conclusion).OrderBy(group => group.Key, StringComparer.Ordinal);
        if (string.Join("; ", said.Select(group => $"{group.Key}{(group.Key == RoundRatios.None ? ":" : " than")} {string.Join(", ", group.Select(row => row.Allocator))}")) is { Length: > 0 } line)
            yield return line;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var arm in _arms)
            arm.Dispose();
        GC.KeepAlive(_workload);
    }

    private BenchRow Row(TraceArm arm)
    {
        var rounds = arm.Rounds;
        var ours = Ours;
        var isOurs = arm == ours;
        var ratios = TraceArm.Ratios(arm, ours);
        var operations = (long)Events * rounds.Count;
        var live = (long)_trace.Trace.Header.PeakLiveBytes;
        return new BenchRow
        {
            Loop = _name,
            Allocator = arm.Contender.Name,
            Profile = _profile.ToString(),
            Threads = 1,
            Operations = operations,
            NsPerOp = rounds.Count == 0 ? null : RoundTimer.Median([.. rounds.Select(round => round.NsPerOp)]),
            TimeOverOurs = ratios?.Median,
            TimeOverOursLow = ratios?.Low,
            TimeOverOursHigh = ratios?.High,
            Spread = isOurs && rounds.Count != 0 ? rounds.Max(round => round.NsPerOp) / rounds.Min(round => round.NsPerOp) : ratios?.High / ratios?.Low,
            Conclusion = isOurs ? null : ratios?.Conclusion,
            PeakRssBytes = arm.Memory?.Peak,
            WarmUp = (long)Events * TraceArm.WarmUps,
            Touched = false,
            FaultsPerOp = Per(rounds.Sum(round => round.Faults), rounds.TrueForAll(round => round.Faults is not null), operations),
            OsCallsPerOp = Per(rounds.Sum(round => round.OsCalls), rounds.TrueForAll(round => round.OsCalls is not null), operations),
            Replay = new ReplayFigures
            {
                PeakLiveBytes = live,
                PeakOverLive = live == 0 ? null : (double?)arm.Memory?.Peak / live,
                AfterFreeBytes = arm.Memory?.AfterFree,
                AfterTrimBytes = arm.Memory?.AfterTrim,
                ColdNsPerOp = arm.Cold.Count == 0 ? null : RoundTimer.Median([.. arm.Cold.Select(one => one.Nanoseconds / Events)]),
                ColdOverOurs = ColdOverOurs(arm, ours),
                ColdFaultsPer1000 = Cold(arm, one => one.Faults),
                ColdOsCallsPer1000 = Cold(arm, one => one.OsCalls),
                ColdSlowPathsPer1000 = Cold(arm, one => one.SlowPaths),
                FaultsPer1000 = 1000 * Per(rounds.Sum(round => round.Faults), rounds.TrueForAll(round => round.Faults is not null), operations),
                OsCallsPer1000 = 1000 * Per(rounds.Sum(round => round.OsCalls), rounds.TrueForAll(round => round.OsCalls is not null), operations),
                SlowPathsPer1000 = 1000 * Per(arm.SlowPaths.Sum(), arm.SlowPaths.TrueForAll(count => count is not null), operations),
                UnsizedOverSized = isOurs ? TraceArm.Ratios(_arms[1], arm)?.Median : null,
            },
        };
    }

    private double? Cold(TraceArm arm, Func<ColdFigures, long?> count) =>
        arm.Cold.Count != 0 && arm.Cold.TrueForAll(one => count(one) is not null) ? RoundTimer.Median([.. arm.Cold.Select(one => 1000.0 * count(one)!.Value / Events)]) : null;

    private static double? ColdOverOurs(TraceArm arm, TraceArm? ours) =>
        ours is null || arm.Cold.Count == 0 || arm.Cold.Count != ours.Cold.Count ? null : RoundTimer.Median([.. arm.Cold.Zip(ours.Cold, (their, our) => their.Nanoseconds / our.Nanoseconds)]);

    private static double? Per(long? count, bool isKnown, long operations) => isKnown && operations != 0 ? (double?)count / operations : null;
}
