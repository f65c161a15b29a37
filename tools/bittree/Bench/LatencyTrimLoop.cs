namespace BitTreeAlloc.Tool.Bench;

/// <summary>What another thread's Trim costs the thread that allocates.</summary>
internal sealed class LatencyTrimLoop : IBenchLoop
{
    /// <inheritdoc/>
    public string Name => "latency-trim";

    /// <inheritdoc/>
    public string Group => "latency";

    /// <inheritdoc/>
    public string Summary => "Time of single allocations, first byte touched, while another thread gives 256 MiB back by Trim: percentiles beside those without Trim.";

    /// <inheritdoc/>
    public IBenchSeries Start(BenchRequest request, Profile profile) => new LatencyTrimSeries(request, profile);
}
