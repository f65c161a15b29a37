namespace BitTreeAlloc;

/// <summary>The figures of one size class.</summary>
public readonly record struct ClassStatistics(int SlotSize, int Blocks, long LiveSlots, long CachedSlots);

/// <summary>A snapshot of an allocator's figures.</summary>
public sealed record AllocatorStatistics
{
    /// <summary>Bytes of address space.</summary>
    public required nuint ReservedBytes { get; init; }
    /// <summary>Committed bytes.</summary>
    public required nuint CommittedBytes { get; init; }
    /// <summary>Live bytes.</summary>
    public required nuint LiveBytes { get; init; }
    /// <summary>Cached bytes.</summary>
    public required nuint CachedBytes { get; init; }
    /// <summary>Direct bytes.</summary>
    public required nuint DirectBytes { get; init; }
    /// <summary>Direct mappings.</summary>
    public required long DirectCount { get; init; }
    /// <summary>OS calls.</summary>
    public required long OsCalls { get; init; }
    /// <summary>Metadata bytes committed.</summary>
    public required nuint MetadataBytes { get; init; }
    /// <summary>Caches registered now.</summary>
    public required int CacheCount { get; init; }
    /// <summary>Shared operations (read-modify-writes on shared words) so far, as far as caches reported them.</summary>
    public required long SharedOperations { get; init; }
    /// <summary>Per size class.</summary>
    public required IReadOnlyList<ClassStatistics> Classes { get; init; }
}
