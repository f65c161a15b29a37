namespace BitTreeAlloc;

/// <summary>The figures of one size class.</summary>
/// <param name="SlotSize">Bytes of a slot.</param>
/// <param name="Blocks">Blocks that belong to the class.</param>
/// <param name="LiveSlots">Slots in users' hands.</param>
/// <param name="CachedSlots">Slots in caches and in the recycler.</param>
public readonly record struct ClassStatistics(int SlotSize, int Blocks, long LiveSlots, long CachedSlots);

/// <summary>
/// A snapshot of an allocator's figures: exact while no other thread works, near the truth otherwise. Taking one makes no system call and stops nobody.
/// </summary>
public sealed record AllocatorStatistics
{
    /// <summary>Bytes of address space, used or not.</summary>
    public required nuint ReservedBytes { get; init; }

    /// <summary>Bytes that the system has promised to back: blocks, metadata, direct mappings. Most of them may never have been touched.</summary>
    public required nuint CommittedBytes { get; init; }

    /// <summary>Bytes of pages inside blocks and regions that users may have touched and that did not go back: an upper bound of what they hold resident.</summary>
    public required nuint TouchedBytes { get; init; }

    /// <summary>Bytes of slots and mappings in users' hands, by slot size.</summary>
    public required nuint LiveBytes { get; init; }

    /// <summary>Bytes of free slots in caches and in the recycler.</summary>
    public required nuint CachedBytes { get; init; }

    /// <summary>Bytes of regions in users' hands: requests above 2 MiB, in steps of 2 MiB.</summary>
    public required nuint RegionBytes { get; init; }

    /// <summary>Number of such regions.</summary>
    public required long RegionCount { get; init; }

    /// <summary>Bytes of free regions, and of tails of regions in use, that may have pages behind them: what the next users get without a page fault.</summary>
    public required nuint FreeRegionBytes { get; init; }

    /// <summary>Bytes of requests above 64 GiB, and of those that no region could be had for: one mapping each.</summary>
    public required nuint DirectBytes { get; init; }

    /// <summary>Number of such mappings.</summary>
    public required long DirectCount { get; init; }

    /// <summary>Bytes of pages that went back to the system so far.</summary>
    public required nuint PurgedBytes { get; init; }

    /// <summary>Bytes of free regions that were marked so far for the system to take when it is short (<see cref="MemoryPolicy.LazyPurge"/>): not counted as purged, not charged, and resident until it does.</summary>
    public required nuint LazilyFreedBytes { get; init; }

    /// <summary>Bytes of regions whose pages come from the system's pool of huge pages now, of 1 GiB or of 2 MiB. They are resident. The rest of the regions has ordinary pages.</summary>
    public required nuint HugePoolBytes { get; init; }

    /// <summary>Of <see cref="HugePoolBytes"/>, those in pages of 1 GiB.</summary>
    public required nuint GiantPageBytes { get; init; }

    /// <summary>
    /// Times so far that a pool of huge pages was asked and had too few pages, or does not exist: the next smaller pages were taken, ordinary ones at last. After a refusal 1, 2, 4 … 64 commits do not
    /// ask, and are not counted.
    /// </summary>
    public required long HugePoolRefusals { get; init; }

    /// <summary>Bytes that Realloc moved so far by their pages, without a copy.</summary>
    public required nuint MovedBytes { get; init; }

    /// <summary>Calls to the operating system, so far, that a sealed allocator wanted to make (<see cref="BitTreeAllocator.Seal"/>).</summary>
    public required long SealBrokenCalls { get; init; }

    /// <summary>Calls to the operating system so far.</summary>
    public required long OsCalls { get; init; }

    /// <summary>Committed bytes that hold the allocator's own words.</summary>
    public required nuint MetadataBytes { get; init; }

    /// <summary>
    /// Bytes that count against the limits: an upper bound of what the allocator can hold resident. Blocks from birth until a purge of the whole block (64 KiB; 16 KiB for slots to 32 bytes; 1 MiB for slots above 64 KiB, 4 MiB above
    /// 256 KiB), regions as far as they may have been touched, direct mappings, and committed metadata. While threads race for the last bytes it may stand above the limit by what is being refused.
    /// </summary>
    public required nuint ChargedBytes { get; init; }

    /// <summary><see cref="BitTreeAllocator.SoftLimitBytes"/> at the time; 0: none.</summary>
    public required nuint SoftLimitBytes { get; init; }

    /// <summary><see cref="BitTreeAllocator.HardLimitBytes"/> at the time; 0: none.</summary>
    public required nuint HardLimitBytes { get; init; }

    /// <summary>Caches that are bound now, ambient ones included.</summary>
    public required int CacheCount { get; init; }

    /// <summary>Read-modify-writes on shared words by slow paths so far (approximate: uncontended count).</summary>
    public required long SharedOperations { get; init; }

    /// <summary>Times a magazine was filled from blocks.</summary>
    public required long Refills { get; init; }

    /// <summary>Times a magazine went home to blocks.</summary>
    public required long Flushes { get; init; }

    /// <summary>Per size class, smallest first; entry i is class i + 1.</summary>
    public required IReadOnlyList<ClassStatistics> Classes { get; init; }
}
