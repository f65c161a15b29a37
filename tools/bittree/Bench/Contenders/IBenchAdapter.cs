namespace BitTreeAlloc.Tool.Bench.Contenders;

/// <summary>
/// A source of buffers as a timed loop sees it: an allocator, or something that is none (a pool of arrays, the system's own calls). Structs all, used as type parameters, so that a loop is
/// compiled once per contender, without a virtual call. One value serves one thread; <see cref="ForThread"/> makes the others.
/// </summary>
/// <typeparam name="TSelf">The struct itself.</typeparam>
/// <typeparam name="TBuffer">What stands for a buffer: a pointer, or a struct around a reference (a bare reference type would share one compiled loop with others).</typeparam>
internal interface IBenchAdapter<TSelf, TBuffer>
    where TSelf : struct, IBenchAdapter<TSelf, TBuffer>
    where TBuffer : struct
{
    /// <summary>False only for the empty run: there are no buffers, nothing may be touched.</summary>
    static abstract bool Allocates { get; }

    /// <summary>True where buffers may change their address, so that addresses cannot be compared.</summary>
    static abstract bool Moves { get; }

    /// <summary>What it can do; a loop leaves out who cannot do what it needs.</summary>
    static virtual Abilities Abilities => Abilities.Small | Abilities.Large;

    /// <summary>A buffer of zeros. Only with <see cref="Abilities.Zeroed"/>.</summary>
    static virtual TBuffer AllocZeroed(ref TSelf self, nuint size) => throw new NotSupportedException("no zeroed allocations");

    /// <summary>A buffer at a multiple of <paramref name="alignment"/>, a power of two. Only with <see cref="Abilities.Aligned"/>.</summary>
    static virtual TBuffer AllocAligned(ref TSelf self, nuint size, nuint alignment) => throw new NotSupportedException("no aligned allocations");

    /// <summary>Gives back what came from <see cref="AllocAligned"/>.</summary>
    static virtual void FreeAligned(ref TSelf self, TBuffer buffer, nuint size, nuint alignment) => throw new NotSupportedException("no aligned allocations");

    /// <summary>Gives a buffer back without its size. Only with <see cref="Abilities.Unsized"/>.</summary>
    static virtual void FreeUnsized(ref TSelf self, TBuffer buffer) => throw new NotSupportedException("no frees without a size");

    /// <summary>A buffer of <paramref name="size"/> bytes or more.</summary>
    TBuffer Alloc(nuint size);

    /// <summary>Gives it back; <paramref name="size"/> is what was asked for.</summary>
    void Free(TBuffer buffer, nuint size);

    /// <summary>Its first byte.</summary>
    static abstract ref byte Start(TBuffer buffer);

    /// <summary>The adapter for another thread, of the same contender.</summary>
    TSelf ForThread();

    /// <summary>Ends this thread's cache. Called once per adapter, also from another thread.</summary>
    void CloseThread();

    /// <summary>Gives free memory back to the operating system, by the means there are.</summary>
    void Trim();

    /// <summary>Calls of the operating system so far, of all threads; null where the contender does not count them.</summary>
    long? OsCalls();

    /// <summary>Times a magazine was filled or went home, of all threads; null where the contender does not count them.</summary>
    long? SlowPaths() => null;

    /// <summary>Ends the contender, where it is an instance.</summary>
    void Close();
}
