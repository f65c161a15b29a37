namespace BitTreeAlloc.Tool.Traces;

/// <summary>The head of a trace: what the file says about its events. The reader recounts every figure.</summary>
/// <param name="Threads">Number of threads.</param>
/// <param name="Events">Alloc, free and realloc events, the synthetic frees at the end included.</param>
/// <param name="BodyEvents">Events before the EXIT mark.</param>
/// <param name="Slots">Slot ids are 0 … Slots − 1.</param>
/// <param name="Objects">Objects allocated in total.</param>
/// <param name="PeakLiveBytes">Highest sum of the requested bytes of live objects.</param>
/// <param name="PeakLiveObjects">Highest number of live objects.</param>
/// <param name="TotalBytes">Requested bytes in total, realloc sizes included.</param>
/// <param name="Name">Name of the traced program.</param>
internal sealed record TraceHeader(
    uint Threads, ulong Events, ulong BodyEvents, ulong Slots, ulong Objects, ulong PeakLiveBytes, ulong PeakLiveObjects, ulong TotalBytes, string Name)
{
    /// <summary>The first eight bytes of a trace.</summary>
    public static ReadOnlySpan<byte> Magic => "MTRC0001"u8;

    /// <summary>Offset of the number of threads (u32).</summary>
    public const int ThreadsAt = 8;

    /// <summary>Offset of the number of events (u64); the other u64 fields follow.</summary>
    public const int EventsAt = 12;

    /// <summary>Offset of the events before the EXIT mark.</summary>
    public const int BodyEventsAt = 20;

    /// <summary>Offset of the number of slots.</summary>
    public const int SlotsAt = 28;

    /// <summary>Offset of the number of objects.</summary>
    public const int ObjectsAt = 36;

    /// <summary>Offset of the peak of live bytes.</summary>
    public const int PeakLiveBytesAt = 44;

    /// <summary>Offset of the peak of live objects.</summary>
    public const int PeakLiveObjectsAt = 52;

    /// <summary>Offset of the requested bytes in total.</summary>
    public const int TotalBytesAt = 60;

    /// <summary>Offset of the name's length (u32).</summary>
    public const int NameLengthAt = 68;

    /// <summary>Offset of the name; the events follow it.</summary>
    public const int NameAt = 72;
}
