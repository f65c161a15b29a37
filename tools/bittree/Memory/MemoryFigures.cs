using System.Globalization;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>Growth of the resident set over the start of a replay that touches every requested byte, in bytes.</summary>
/// <param name="Peak">At the highest sample.</param>
/// <param name="AfterFree">After the last free, caches as they are.</param>
/// <param name="AfterTrim">After caches were parked and one Trim.</param>
internal readonly record struct MemoryFigures(long Peak, long AfterFree, long AfterTrim)
{
    /// <summary>This growth without what <paramref name="empty"/>, a run without allocations, grew by.</summary>
    public MemoryFigures Less(MemoryFigures empty) => new(Peak - empty.Peak, AfterFree - empty.AfterFree, AfterTrim - empty.AfterTrim);

    /// <summary>Figure by figure, the median.</summary>
    public static MemoryFigures Median(IReadOnlyCollection<MemoryFigures> runs) =>
        new(Middle(runs.Select(r => r.Peak)), Middle(runs.Select(r => r.AfterFree)), Middle(runs.Select(r => r.AfterTrim)));

    /// <summary>One line for a parent process.</summary>
    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"rss {Peak} {AfterFree} {AfterTrim}");

    /// <summary>Reads what <see cref="ToLine"/> wrote.</summary>
    public static bool TryParse(string line, out MemoryFigures figures)
    {
        var parts = line.Trim().Split(' ');
        figures = default;
        if (parts.Length != 4 || parts[0] != "rss" || !long.TryParse(parts[1], out var peak) || !long.TryParse(parts[2], out var free)
            || !long.TryParse(parts[3], out var trim))
            return false;
        figures = new MemoryFigures(peak, free, trim);
        return true;
    }

    private static long Middle(IEnumerable<long> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
