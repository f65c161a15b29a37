using BitTreeAlloc.Tool.Memory;
using BitTreeAlloc.Tool.Replay;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>Memory figures on one trace, each measured once: an allocator without profiles has the same beside every profile of ours.</summary>
internal sealed class TraceMemory(NamedTrace trace, BenchRequest request)
{
    private readonly MemoryStudy _study = new(trace.File, ReplayMode.Serial, request.Cas, Children(request), request.Peers);
    private readonly Dictionary<string, (MemoryFigures? Figures, string? Error)> _known = [];

    /// <summary>Whether there are figures at all.</summary>
    public static bool IsMeasured(BenchRequest request) => request.MeasuresMemory && RssReader.IsSupported;

    /// <summary>The figures of one contender, or a line that says why there are none.</summary>
    public (MemoryFigures? Figures, string? Error) Measure(Contender contender, Action<string> step)
    {
        step($"memory of {contender.Label}");
        if (!_known.TryGetValue(contender.Label, out var outcome))
            _known[contender.Label] = outcome = _study.Measure(contender, () => { });
        return outcome;
    }

    private static int Children(BenchRequest request) => Math.Min(request.Rounds, MemoryStudy.MostChildren);
}
