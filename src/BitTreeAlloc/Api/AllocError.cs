namespace BitTreeAlloc;

/// <summary>Why a Try-form returned false. After a failure every live allocation and the figures of live memory are as before; what lay cached or free may have gone home.</summary>
public enum AllocError
{
    /// <summary>No error.</summary>
    None = 0,

    /// <summary>The size is above <see cref="BitTreeAllocator.MaxSize"/>.</summary>
    SizeTooLarge,

    /// <summary>count × elementSize, or size rounded up to the alignment, does not fit in a machine word.</summary>
    SizeOverflow,

    /// <summary>The alignment is 0, not a power of two, or above <see cref="BitTreeAllocator.MaxAlignment"/>.</summary>
    BadAlignment,

    /// <summary>The process has no address space of the needed size left.</summary>
    AddressSpaceExhausted,

    /// <summary>The operating system refused to back more pages.</summary>
    CommitRefused,

    /// <summary>The process reached its number of mappings.</summary>
    TooManyMappings,

    /// <summary>The allocator is switched off (<see cref="BitTreeAllocator.Enabled"/>).</summary>
    Disabled,

    /// <summary>The allocator was disposed of.</summary>
    Disposed,

    /// <summary>The cache is used by two threads at once, or is damaged.</summary>
    CacheMisused,

    /// <summary>The cache belongs to another allocator.</summary>
    ForeignCache,

    /// <summary>The pointer does not come from this allocator, is not the start of a slot, or is not live.</summary>
    InvalidPointer,

    /// <summary>A sized free named a size of another class.</summary>
    WrongSize,

    /// <summary>The pointer was freed twice.</summary>
    DoubleFree,

    /// <summary>More would exceed <see cref="BitTreeAllocator.HardLimitBytes"/>.</summary>
    LimitReached,

    /// <summary>It needs a call to the operating system, and the allocator is sealed (<see cref="BitTreeAllocator.Seal"/>).</summary>
    Sealed,
}
