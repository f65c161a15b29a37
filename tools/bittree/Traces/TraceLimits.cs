namespace BitTreeAlloc.Tool.Traces;

/// <summary>
/// What the tool accepts at most, so that a few kilobytes of hostile gzip can ask for neither hours nor gigabytes. The recorded traces hold
/// about 2 million events in 8 MB; each limit leaves a factor of 30 and more above that.
/// </summary>
internal static class TraceLimits
{
    /// <summary>Decompressed bytes: 1 GiB.</summary>
    public const long DecompressedBytes = 1L << 30;

    /// <summary>Events: 64 Mi, one GiB once decoded (16 bytes each).</summary>
    public const ulong Events = 64u << 20;

    /// <summary>Threads: as many as a parallel replay would start.</summary>
    public const uint Threads = 1024;

    /// <summary>Bytes of the trace's name.</summary>
    public const uint NameBytes = 4096;

    /// <summary>Bytes of one object: the user half of a 48-bit address space.</summary>
    public const ulong ObjectBytes = 1UL << 47;

    /// <summary>log2 of the largest alignment: 1 GiB, <see cref="BitTreeAllocator.MaxAlignment"/>.</summary>
    public const ulong AlignmentLog2 = 30;

    /// <summary>Slot ids below this are accepted at any time; above, an id may not run far ahead of the objects seen so far.</summary>
    public const uint FreeSlotIds = 64 * 1024;

    /// <summary>An id above <see cref="FreeSlotIds"/> may be at most this many times the number of objects allocated so far.</summary>
    public const uint SlotIdsPerObject = 16;
}
