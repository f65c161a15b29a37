using BitTreeAlloc.Tool.Memory;

namespace BitTreeAlloc.Tool.Output;

/// <summary>The figures of one trace, mode, allocator and profile.</summary>
internal sealed record ResultRow
{
    /// <summary>The trace's name.</summary>
    public required string Trace { get; init; }

    /// <summary>serial or parallel.</summary>
    public required string Mode { get; init; }

    /// <summary>The allocator's name.</summary>
    public required string Allocator { get; init; }

    /// <summary>The memory policy; null for allocators that have none.</summary>
    public required string? Profile { get; init; }

    /// <summary>fast or checked; null for allocators that have no levels.</summary>
    public string? Level { get; init; }

    /// <summary>Events replayed.</summary>
    public required long Events { get; init; }

    /// <summary>Violations found, by <c>--verify</c> or because the allocator failed in another run.</summary>
    public long Errors { get; set; }

    /// <summary>Objects that the allocator counts as live after the last free.</summary>
    public long LeftOver { get; set; }

    /// <summary>Median time per event in nanoseconds.</summary>
    public double? NsPerEvent { get; set; }

    /// <summary>Median of the per-round ratios to NativeMemory's time.</summary>
    public double? RatioToNative { get; set; }

    /// <summary>Of the checked level: median of the per-round ratios to the time of the fast one, where both took part.</summary>
    public double? RatioToFast { get; set; }

    /// <summary>Highest sum of live requested bytes in the trace.</summary>
    public required long PeakLiveBytes { get; init; }

    /// <summary>Growth of the resident set, every requested byte touched.</summary>
    public MemoryFigures? Memory { get; set; }

    /// <summary>Allocator, profile and level, for people.</summary>
    public string Label => Profile is null ? Allocator : Level == "checked" ? $"{Allocator} {Profile} checked" : $"{Allocator} {Profile}";
}
