using BitTreeAlloc.Tool.Bench.Contenders;
using BitTreeAlloc.Tool.Bench.Timed;

namespace BitTreeAlloc.Tool.Bench.Latency;

/// <summary>Time of single free + alloc pairs while 100 000 objects are live: every allocator, in interleaved rounds.</summary>
internal sealed class ChurnLatencyLoop : IBenchLoop
{
    /// <inheritdoc/>
    public string Name => "latency-churn";

    /// <inheritdoc/>
    public string Group => "latency";

    /// <inheritdoc/>
    public bool ComparesAllocators => true;

    /// <inheritdoc/>
    public string Summary => "Time of single free + alloc pairs, 100 000 objects of mixed sizes live, first and last byte touched: percentiles of every allocator, CCDF.";

    /// <inheritdoc/>
    public IBenchSeries Start(BenchRequest request, Profile profile)
    {
        // A mapping per object would end at the system's limit of mappings, which is below the live set.
        var contenders = BenchContenders.Make(request, profile);
        contenders.RemoveAll(contender => contender.Name == BenchContenders.Mmap);
        return new ChurnLatencySeries(request, profile, contenders);
    }

    /// <summary>Makes the parts; what else a timed loop has is not used.</summary>
    internal sealed class Parts : TimedLoop
    {
        /// <inheritdoc/>
        public override string Name => "latency-churn";

        /// <inheritdoc/>
        public override string Group => "latency";

        /// <inheritdoc/>
        public override string Summary => "";

        /// <inheritdoc/>
        public override int Threads => 1;

        /// <inheritdoc/>
        public override int Granule => 1;

        /// <inheritdoc/>
        public override long MemoryOperations => 0;

        /// <inheritdoc/>
        public override LoopBody[] Bodies<TAdapter, TBuffer>(TAdapter[] adapters) => [new ChurnLatencyBody<TAdapter, TBuffer>(adapters[0])];
    }
}
