namespace BitTreeAlloc.Tool.Traces;

/// <summary>A decoded, fully checked trace.</summary>
internal sealed class Trace
{
    /// <summary>Makes a trace of what the reader counted.</summary>
    public Trace(TraceHeader header, TraceEvent[] events)
    {
        Header = header;
        Events = events;
    }

    /// <summary>The head; every figure in it has been recounted.</summary>
    public TraceHeader Header { get; }

    /// <summary>The events in the order in which they happened; the array is exactly full.</summary>
    public TraceEvent[] Events { get; }

    /// <summary>Slots a replay needs.</summary>
    public int Slots => (int)Header.Slots;

    /// <summary>The name to print: the one in the header, without control characters.</summary>
    public string Name => Header.Name.Length == 0 ? "unnamed" : string.Concat(Header.Name.Select(c => char.IsControl(c) ? '?' : c));
}
