namespace BitTreeAlloc.Tool.Allocators;

/// <summary>No allocator at all: the empty run whose growth is the tool's own, not an allocator's.</summary>
internal readonly unsafe struct NoOpAdapter : IAllocatorAdapter<NoOpAdapter>
{
    /// <inheritdoc/>
    public static bool Allocates => false;

    /// <inheritdoc/>
    public static bool ReallocKeepsAlignment => false;

    /// <inheritdoc/>
    public static nuint PromisedAlignment(nuint size) => 1;

    /// <inheritdoc/>
    public void* Alloc(nuint size) => null;

    /// <inheritdoc/>
    public void* AllocZeroed(nuint size) => null;

    /// <inheritdoc/>
    public void* AllocAligned(nuint size, nuint alignment) => null;

    /// <inheritdoc/>
    public void* Realloc(void* pointer, nuint size) => null;

    /// <inheritdoc/>
    public void* ReallocAligned(void* pointer, nuint size, nuint alignment) => null;

    /// <inheritdoc/>
    public void Free(void* pointer, nuint size)
    {
    }

    /// <inheritdoc/>
    public void FreeAligned(void* pointer, nuint size, nuint alignment)
    {
    }

    /// <inheritdoc/>
    public nuint? UsableSize(void* pointer) => null;

    /// <inheritdoc/>
    public NoOpAdapter ForThread() => default;

    /// <inheritdoc/>
    public void CloseThread()
    {
    }

    /// <inheritdoc/>
    public void Trim()
    {
    }

    /// <inheritdoc/>
    public long LeftOver() => 0;

    /// <inheritdoc/>
    public void Close()
    {
    }
}
