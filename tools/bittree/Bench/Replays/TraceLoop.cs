using BitTreeAlloc.Tool.Traces;

namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>One trace replayed on one thread by every allocator: time per event, memory, the first run.</summary>
internal sealed class TraceLoop : IBenchLoop
{
    /// <summary>What the names of these loops begin with.</summary>
    public const string Prefix = "trace-";

    /// <summary>The name of the group.</summary>
    public const string GroupName = "traces";

    private readonly NamedTrace? _trace;
    private TraceMemory? _memory;

    private TraceLoop(string name, NamedTrace? trace) => (Name, _trace) = (name, trace);

    /// <summary>Stands for the embedded trace, or for those that the user names.</summary>
    public static TraceLoop Listed { get; } = new($"{Prefix}{TraceSource.EmbeddedTrace}", null);

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Group => GroupName;

    /// <inheritdoc/>
    public bool ComparesAllocators => true;

    /// <inheritdoc/>
    public bool ReadsTraces => true;

    /// <inheritdoc/>
    public string Summary => "A recorded trace replayed, the embedded one or each FILE: time per event, first run, peak memory over live bytes; geometric means over all traces.";

    /// <inheritdoc/>
    public IEnumerable<IBenchLoop> Over(IReadOnlyList<NamedTrace> traces) => traces.Select(trace => new TraceLoop(Prefix + trace.Name, trace));

    /// <inheritdoc/>
    public IBenchSeries Start(BenchRequest request, Profile profile)
    {
        var trace = _trace ?? throw new InvalidOperationException("a loop that stands for traces is not run itself");
        return new TraceSeries(Name, trace, request, profile, _memory ??= new TraceMemory(trace, request));
    }
}
