using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace BitTreeAlloc.Tool.Allocators;

/// <summary><see cref="NativeMemory"/>, what a .NET program uses today: the C library's malloc behind a P/Invoke.</summary>
internal readonly unsafe struct NativeAdapter : IAllocatorAdapter<NativeAdapter>
{
    /// <inheritdoc/>
    public static bool Allocates => true;

    /// <inheritdoc/>
    public static bool ReallocKeepsAlignment => true;

    /// <inheritdoc/>
    public static nuint PromisedAlignment(nuint size) => 8;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => NativeMemory.Alloc(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* AllocZeroed(nuint size) => NativeMemory.AllocZeroed(size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* AllocAligned(nuint size, nuint alignment) => NativeMemory.AlignedAlloc(size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Realloc(void* pointer, nuint size) => NativeMemory.Realloc(pointer, size);

    /// <inheritdoc/>
    public void* ReallocAligned(void* pointer, nuint size, nuint alignment) => NativeMemory.AlignedRealloc(pointer, size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* pointer, nuint size) => NativeMemory.Free(pointer);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FreeAligned(void* pointer, nuint size, nuint alignment) => NativeMemory.AlignedFree(pointer);

    /// <inheritdoc/>
    public nuint? UsableSize(void* pointer) => null;

    /// <inheritdoc/>
    public NativeAdapter ForThread() => this;

    /// <inheritdoc/>
    public void CloseThread()
    {
    }

    /// <inheritdoc/>
    public void Trim() => LibC.Trim();

    /// <inheritdoc/>
    public long LeftOver() => 0;

    /// <inheritdoc/>
    public void Close()
    {
    }
}
