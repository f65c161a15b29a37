namespace BitTreeAlloc.Tool.Bench;

/// <summary>What one arm of one round has measured.</summary>
internal sealed class AllocSamples
{
    /// <summary>Every sample.</summary>
    public LatencyHistogram All { get; } = new();

    /// <summary>Those that began and ended within the same Trim.</summary>
    public LatencyHistogram During { get; } = new();

    /// <summary>Page faults of the measured thread, in and between samples; null where the system does not tell.</summary>
    public long? Faults { get; set; }

    /// <summary>Trims of the neighbour.</summary>
    public long Trims { get; set; }

    /// <summary>Their time in all.</summary>
    public double TrimSeconds { get; set; }
}
