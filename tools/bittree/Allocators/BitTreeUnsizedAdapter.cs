using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Allocators;

/// <summary>BitTreeAlloc with frees that are not told the size, as C's free is; all else is <see cref="BitTreeAdapter"/>'s.</summary>
internal unsafe struct BitTreeUnsizedAdapter : IAllocatorAdapter<BitTreeUnsizedAdapter>
{
    private BitTreeAdapter _sized;

    /// <summary>Frees through <paramref name="sized"/>.</summary>
    public BitTreeUnsizedAdapter(BitTreeAdapter sized) => _sized = sized;

    /// <inheritdoc/>
    public static bool Allocates => true;

    /// <inheritdoc/>
    public static bool ReallocKeepsAlignment => BitTreeAdapter.ReallocKeepsAlignment;

    /// <inheritdoc/>
    public static nuint PromisedAlignment(nuint size) => BitTreeAdapter.PromisedAlignment(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => _sized.Alloc(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* AllocZeroed(nuint size) => _sized.AllocZeroed(size);

    /// <inheritdoc/>
    public void* AllocAligned(nuint size, nuint alignment) => _sized.AllocAligned(size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Realloc(void* pointer, nuint size) => _sized.Realloc(pointer, size);

    /// <inheritdoc/>
    public void* ReallocAligned(void* pointer, nuint size, nuint alignment) => _sized.ReallocAligned(pointer, size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* pointer, nuint size) => BitTreeAdapter.FreeUnsized(ref _sized, pointer);

    /// <inheritdoc/>
    public void FreeAligned(void* pointer, nuint size, nuint alignment) => BitTreeAdapter.FreeUnsized(ref _sized, pointer);

    /// <inheritdoc/>
    public nuint? UsableSize(void* pointer) => _sized.UsableSize(pointer);

    /// <inheritdoc/>
    public BitTreeUnsizedAdapter ForThread() => new(_sized.ForThread());

    /// <inheritdoc/>
    public void CloseThread() => _sized.CloseThread();

    /// <inheritdoc/>
    public void Trim() => _sized.Trim();

    /// <inheritdoc/>
    public long LeftOver() => _sized.LeftOver();

    /// <inheritdoc/>
    public long? OsCalls() => _sized.OsCalls();

    /// <inheritdoc/>
    public long? SlowPaths() => _sized.SlowPaths();

    /// <inheritdoc/>
    public void Close() => _sized.Close();
}
