using BitTreeAlloc.Tool.Replay;
using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>The memory figures of a trace alone, recorded or made.</summary>
internal sealed class MemoryLoop : IBenchLoop
{
    private readonly string _what;
    private readonly NamedTrace? _trace;
    private TraceMemory? _memory;

    private MemoryLoop(string name, string what, bool readsTraces, NamedTrace? trace) => (Name, _what, ReadsTraces, _trace) = (name, what, readsTraces, trace);

    /// <summary>Those of the list.</summary>
    public static IReadOnlyList<MemoryLoop> All { get; } =
    [
        new($"memory-{TraceSource.EmbeddedTrace}", "A recorded trace, the embedded one or each FILE", readsTraces: true, null),
        new("memory-churn", "20 000 objects of mixed sizes, replaced at random", readsTraces: false, Made(SyntheticTrace.Churn)),
        new("memory-holes", "Small objects of which one in 16 stays, then larger ones", readsTraces: false, Made(SyntheticTrace.Holes)),
    ];

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Group => "memory";

    /// <inheritdoc/>
    public bool ComparesAllocators => true;

    /// <inheritdoc/>
    public bool ReadsTraces { get; }

    /// <inheritdoc/>
    public string Summary => $"{_what}: peak over live bytes, after free, after Trim; every byte touched, a fresh process each.";

    /// <inheritdoc/>
    public IEnumerable<IBenchLoop> Over(IReadOnlyList<NamedTrace> traces) =>
        ReadsTraces ? traces.Select(trace => new MemoryLoop($"memory-{trace.Name}", _what, readsTraces: true, trace)) : [this];

    /// <inheritdoc/>
    public IBenchSeries Start(BenchRequest request, Profile profile)
    {
        var trace = _trace ?? throw new InvalidOperationException("a loop that stands for traces is not run itself");
        if (trace.Trace.Events.Length == 0)
            trace = trace with { Trace = SyntheticTrace.Make(trace.File) };
        return new MemorySeries(Name, trace, TraceContenders.Make(request, profile), profile, request, _memory ??= new TraceMemory(trace, request));
    }

    // Made when it is run, not when loops are listed.
    private static NamedTrace Made(string name) => new(name.Trim('(', ')'), name, new Trace(new TraceHeader(1, 0, 0, 0, 0, 0, 0, 0, name), []));

    /// <summary>Nothing is timed; all is done after the rounds.</summary>
    private sealed class MemorySeries(string name, NamedTrace trace, List<Contender> contenders, Profile profile, BenchRequest request, TraceMemory memory) : IBenchSeries
    {
        private readonly List<BenchRow> _rows = [];
        private readonly List<string> _failures = [];

        public IReadOnlyList<string> Arms { get; } = contenders.ConvertAll(contender => contender.Name);

        public int FinishSteps => TraceMemory.IsMeasured(request) ? contenders.Count : 0;

        public IEnumerable<string> Failures => _failures;

        public void Run(int arm, bool counted)
        {
        }

        public void Finish(Action<string> step)
        {
            var live = (long)trace.Trace.Header.PeakLiveBytes;
            foreach (var contender in contenders)
            {
                var (figures, error) = FinishSteps == 0 ? (null, null) : memory.Measure(contender, step);
                if (error is not null)
                    _failures.Add($"{contender.Name}: {error}");
                _rows.Add(new BenchRow
                {
                    Loop = name,
                    Allocator = contender.Name,
                    Profile = profile.ToString(),
                    Threads = 1,
                    Operations = trace.Trace.Events.Length,
                    PeakRssBytes = figures?.Peak,
                    Touched = true,
                    Replay = new ReplayFigures
                    {
                        PeakLiveBytes = live,
                        PeakOverLive = live == 0 ? null : (double?)figures?.Peak / live,
                        AfterFreeBytes = figures?.AfterFree,
                        AfterTrimBytes = figures?.AfterTrim,
                    },
                });
            }
        }

        public IEnumerable<BenchRow> Rows() => _rows;

        public IEnumerable<string> Conclusions()
        {
            if (!TraceMemory.IsMeasured(request))
                yield return "memory figures need /proc (Linux); they are left out.";
        }

        public void Dispose()
        {
        }
    }
}
