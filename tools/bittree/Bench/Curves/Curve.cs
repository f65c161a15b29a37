namespace BitTreeAlloc.Tool.Bench.Curves;

/// <summary>What one run at one point has measured.</summary>
/// <param name="Arm">Which of the curve's lines; null where there is one.</param>
/// <param name="NsPerOp">Nanoseconds per operation.</param>
/// <param name="Operations">Their number.</param>
/// <param name="MetadataBytes">Committed bytes of the allocator's own words at the time, as it counts them; per thread where x counts threads.</param>
internal readonly record struct CurveSample(string? Arm, double NsPerOp, long Operations, double MetadataBytes)
{
    /// <summary>Page faults meanwhile; null where the system does not tell.</summary>
    public long? Faults { get; init; }

    /// <summary>Calls of the operating system meanwhile.</summary>
    public long? OsCalls { get; init; }

    /// <summary>Growth of the resident set per thread, payload untouched; null where it was not measured.</summary>
    public double? ResidentBytesPerThread { get; init; }
}

/// <summary>A cost of BitTreeAlloc as something grows. Peers are not compared: they write to the payload of what they free, which these live sets have no memory for.</summary>
internal abstract class Curve
{
    /// <summary>The loop's name.</summary>
    public abstract string Name { get; }

    /// <summary>What grows, in a word or two.</summary>
    public abstract string Unit { get; }

    /// <summary>One line for the list.</summary>
    public abstract string Summary { get; }

    /// <summary>What x goes through.</summary>
    public abstract IReadOnlyList<long> Points { get; }

    /// <summary>Why x is too much for this machine; null where it is not.</summary>
    public abstract string? WhyNot(long x);

    /// <summary>Threads at x.</summary>
    public virtual int Threads(long x) => 1;

    /// <summary>Sets an allocator up for x, measures, and ends it.</summary>
    public abstract IEnumerable<CurveSample> Measure(long x, BitTreeAllocatorOptions options);

    /// <summary>x for people.</summary>
    public virtual string Label(long x) => x.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Says so where a table of pointers and the allocator's own words would take more than a quarter of the memory.</summary>
    protected static string? TooMuch(long bytes)
    {
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return bytes <= memory / 4 ? null : $"its tables take about {bytes >> 20} MiB of {memory >> 20}";
    }
}
