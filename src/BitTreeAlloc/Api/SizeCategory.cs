namespace BitTreeAlloc;

/// <summary>How a request of some size is served.</summary>
public enum SizeCategory
{
    /// <summary>Not this allocator's.</summary>
    None = 0,

    /// <summary>To 64 KiB: slots of 16 KiB and 64 KiB blocks, through caches.</summary>
    Small,

    /// <summary>To 2 MiB: slots of 1 MiB and 4 MiB blocks, through caches.</summary>
    Medium,

    /// <summary>To 64 GiB: a region each, kept and reused.</summary>
    Region,

    /// <summary>Above, or where no region could be had: a mapping each.</summary>
    Direct,
}
