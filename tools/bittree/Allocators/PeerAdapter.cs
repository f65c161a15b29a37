using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Allocators;

/// <summary>A peer called with suppressed transitions, the fairest way for it. It keeps its own caches per thread.</summary>
internal readonly unsafe struct PeerAdapter : IAllocatorAdapter<PeerAdapter>
{
    private readonly PeerLibrary _library;

    /// <summary>Calls into <paramref name="library"/>.</summary>
    public PeerAdapter(PeerLibrary library) => _library = library;

    /// <inheritdoc/>
    public static bool Allocates => true;

    /// <inheritdoc/>
    public static bool ReallocKeepsAlignment => false;

    /// <inheritdoc/>
    public static nuint PromisedAlignment(nuint size) => 8;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => Check(_library.Malloc(size), size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* AllocZeroed(nuint size) => Check(_library.Calloc(1, size), size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* AllocAligned(nuint size, nuint alignment) => Check(_library.Memalign(Math.Max(alignment, (nuint)sizeof(void*)), size), size);

    /// <summary>realloc; size 0 asks for one byte, since C lets realloc(p, 0) free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Realloc(void* pointer, nuint size) => Check(_library.Realloc(pointer, size == 0 ? 1 : size), size);

    /// <inheritdoc/>
    public void* ReallocAligned(void* pointer, nuint size, nuint alignment) => Realloc(pointer, size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* pointer, nuint size) => _library.Free(pointer);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FreeAligned(void* pointer, nuint size, nuint alignment) => _library.Free(pointer);

    /// <inheritdoc/>
    public nuint? UsableSize(void* pointer) => _library.UsableSize != null ? _library.UsableSize(pointer) : null;

    /// <inheritdoc/>
    public PeerAdapter ForThread() => this;

    /// <inheritdoc/>
    public void CloseThread()
    {
    }

    /// <inheritdoc/>
    public void Trim() => _library.Trim();

    /// <inheritdoc/>
    public long LeftOver() => 0;

    /// <inheritdoc/>
    public void Close()
    {
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void* Check(void* pointer, nuint size)
    {
        if (pointer == null)
            Refused(size);
        return pointer;
    }

    [DoesNotReturn]
    private static void Refused(nuint size) => throw new OutOfMemoryException($"the allocator refused {size} bytes");
}
