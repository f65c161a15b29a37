using BitTreeAlloc.Tool.Bench.Timed;
using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>One allocator on one trace: its rounds, its first runs, its memory.</summary>
internal sealed class TraceArm(Contender contender) : IDisposable
{
    /// <summary>Replays before the first round: the second runs what the runtime compiled during the first.</summary>
    public const int WarmUps = 2;

    private Replay.TimedSeries? _series;

    /// <summary>The allocator.</summary>
    public Contender Contender { get; } = contender;

    /// <summary>The counted rounds.</summary>
    public List<LoopSample> Rounds { get; } = [];

    /// <summary>Their refills and flushes.</summary>
    public List<long?> SlowPaths { get; } = [];

    /// <summary>First runs in fresh processes.</summary>
    public List<ColdFigures> Cold { get; } = [];

    /// <summary>Memory, less that of a run without allocations.</summary>
    public MemoryFigures? Memory { get; set; }

    /// <summary>What went wrong; nothing more is run then.</summary>
    public string? Failure { get; set; }

    /// <summary>The ratios of the rounds of one to those of another; null where either has none, or they have not run alike.</summary>
    public static RoundRatios? Ratios(TraceArm arm, TraceArm? ours) =>
        ours is null || arm.Rounds.Count == 0 || arm.Rounds.Count != ours.Rounds.Count ? null : new RoundRatios(arm.Rounds, ours.Rounds);

    /// <summary>One round, or the warm-up.</summary>
    public void Round(Workload workload, bool counted)
    {
        if (Failure is not null)
            return;
        try
        {
            var series = _series ??= Contender.StartTiming(workload);
            if (counted)
                Measure(series, Math.Max(1, workload.Trace.Events.Length));
            for (var replay = 0; replay < WarmUps && !counted; replay++)
                _ = series.Round();
        }
        catch (Exception e) when (Contender.IsFailure(e))
        {
            Failure = e.Message;
        }
    }

    /// <summary>Ends the allocator; after a failure its memory is in no known state, and is left.</summary>
    public void Dispose()
    {
        if (Failure is null)
            _series?.Dispose();
    }

    private void Measure(Replay.TimedSeries series, int events)
    {
        var (calls, slow, faults) = (series.OsCalls(), series.SlowPaths(), ThreadFaults.Read());
        var nanoseconds = series.Round();
        faults = ThreadFaults.Read() - faults;
        Rounds.Add(new LoopSample(nanoseconds / events, events, faults, series.OsCalls() - calls));
        SlowPaths.Add(series.SlowPaths() - slow);
    }
}
