namespace BitTreeAlloc.Tool.Bench.Replays;

/// <summary>What rows of replayed traces have beyond the others. Bytes are growth over the start, less that of a run without allocations; what was not measured is null.</summary>
internal sealed record ReplayFigures
{
    /// <summary>Highest sum of the requested bytes of live objects.</summary>
    public long? PeakLiveBytes { get; init; }

    /// <summary>Peak of the resident set over <see cref="PeakLiveBytes"/>, every requested byte touched.</summary>
    public double? PeakOverLive { get; init; }

    /// <summary>Resident bytes after the last free, caches as they are.</summary>
    public long? AfterFreeBytes { get; init; }

    /// <summary>Resident bytes after caches were parked and one Trim.</summary>
    public long? AfterTrimBytes { get; init; }

    /// <summary>Nanoseconds per event of the first replay in a fresh process: the median.</summary>
    public double? ColdNsPerOp { get; init; }

    /// <summary>Median of the ratios of that time to ours.</summary>
    public double? ColdOverOurs { get; init; }

    /// <summary>Page faults per 1000 events of the first replay.</summary>
    public double? ColdFaultsPer1000 { get; init; }

    /// <summary>Calls of the operating system per 1000 events of the first replay.</summary>
    public double? ColdOsCallsPer1000 { get; init; }

    /// <summary>Refills and flushes per 1000 events of the first replay.</summary>
    public double? ColdSlowPathsPer1000 { get; init; }

    /// <summary>Page faults per 1000 events of the warm rounds.</summary>
    public double? FaultsPer1000 { get; init; }

    /// <summary>Calls of the operating system per 1000 events of the warm rounds.</summary>
    public double? OsCallsPer1000 { get; init; }

    /// <summary>Refills and flushes per 1000 events of the warm rounds.</summary>
    public double? SlowPathsPer1000 { get; init; }

    /// <summary>Of BitTreeAlloc's row: the time with frees that are not told the size over the time with those that are; the median over the rounds.</summary>
    public double? UnsizedOverSized { get; init; }

    /// <summary>The row's time over that of the fastest of the peers that the tool knows by name, on the same trace.</summary>
    public double? TimeOverBestPeer { get; init; }
}
