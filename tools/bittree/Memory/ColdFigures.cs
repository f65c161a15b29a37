using System.Globalization;

namespace BitTreeAlloc.Tool.Memory;

/// <summary>The first replay of a trace in a fresh process: the allocator is open, and has no page and no object yet.</summary>
/// <param name="Nanoseconds">Of the whole replay.</param>
/// <param name="Faults">Page faults; null where the system does not tell.</param>
/// <param name="OsCalls">Calls of the operating system; null where the allocator does not count them.</param>
/// <param name="SlowPaths">Refills and flushes; null where the allocator does not count them.</param>
internal readonly record struct ColdFigures(double Nanoseconds, long? Faults, long? OsCalls, long? SlowPaths)
{
    private const string Unknown = "-";

    /// <summary>One line for a parent process.</summary>
    public string ToLine() => string.Create(CultureInfo.InvariantCulture, $"cold {Nanoseconds:R} {Text(Faults)} {Text(OsCalls)} {Text(SlowPaths)}");

    /// <summary>Reads what <see cref="ToLine"/> wrote.</summary>
    public static bool TryParse(string line, out ColdFigures figures)
    {
        var parts = line.Trim().Split(' ');
        figures = default;
        if (parts.Length != 5 || parts[0] != "cold" || !double.TryParse(parts[1], NumberStyles.Float, CultureInfo.InvariantCulture, out var nanoseconds)
            || !TryCount(parts[2], out var faults) || !TryCount(parts[3], out var calls) || !TryCount(parts[4], out var slow))
            return false;
        figures = new ColdFigures(nanoseconds, faults, calls, slow);
        return true;
    }

    private static string Text(long? count) => count?.ToString(CultureInfo.InvariantCulture) ?? Unknown;

    private static bool TryCount(string text, out long? count)
    {
        count = long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : null;
        return count is not null || text == Unknown;
    }
}
