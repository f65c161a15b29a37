namespace BitTreeAlloc.Tool.Allocators;

/// <summary>
/// An allocator as a replay sees it. Implemented by structs and used as a type parameter, so that every replay loop is compiled once per
/// allocator, without a virtual call. One value serves one thread; <see cref="ForThread"/> makes the others.
/// </summary>
/// <typeparam name="TSelf">The struct itself.</typeparam>
internal unsafe interface IAllocatorAdapter<TSelf>
    where TSelf : struct, IAllocatorAdapter<TSelf>
{
    /// <summary>False only for the empty run: nothing is allocated, pointers are null and nothing may be touched.</summary>
    static abstract bool Allocates { get; }

    /// <summary>True where <see cref="ReallocAligned"/> keeps the object's alignment.</summary>
    static abstract bool ReallocKeepsAlignment { get; }

    /// <summary>The alignment in bytes promised for a request of <paramref name="size"/> bytes without a stated alignment.</summary>
    static abstract nuint PromisedAlignment(nuint size);

    /// <summary>malloc.</summary>
    void* Alloc(nuint size);

    /// <summary>calloc.</summary>
    void* AllocZeroed(nuint size);

    /// <summary>The memalign family; <paramref name="alignment"/> is a power of two.</summary>
    void* AllocAligned(nuint size, nuint alignment);

    /// <summary>realloc.</summary>
    void* Realloc(void* pointer, nuint size);

    /// <summary>realloc of an object from <see cref="AllocAligned"/>.</summary>
    void* ReallocAligned(void* pointer, nuint size, nuint alignment);

    /// <summary>free; <paramref name="size"/> is what was last requested.</summary>
    void Free(void* pointer, nuint size);

    /// <summary>free of an object from <see cref="AllocAligned"/>.</summary>
    void FreeAligned(void* pointer, nuint size, nuint alignment);

    /// <summary>Bytes that may be used at <paramref name="pointer"/>; null where the allocator has no such call.</summary>
    nuint? UsableSize(void* pointer);

    /// <summary>The adapter for another thread, of the same allocator.</summary>
    TSelf ForThread();

    /// <summary>Gives back what this thread's cache holds and ends the cache. Called once per adapter, also from another thread after its own ended.</summary>
    void CloseThread();

    /// <summary>Gives free memory back to the operating system, by the means the allocator has.</summary>
    void Trim();

    /// <summary>Objects the allocator itself counts as live after all were freed and all threads closed; 0 where it cannot tell.</summary>
    long LeftOver();

    /// <summary>Calls of the operating system so far, of all threads; null where the allocator does not count them.</summary>
    long? OsCalls() => null;

    /// <summary>Refills and flushes so far, of all threads; null where the allocator does not count them.</summary>
    long? SlowPaths() => null;

    /// <summary>Ends the allocator, where it is an instance.</summary>
    void Close();
}
