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

    /// <summary>Ends the contender, where it is an instance.</summary>
    void Close();
}
