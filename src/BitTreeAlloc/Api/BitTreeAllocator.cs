namespace BitTreeAlloc;
/// <summary>s</summary>
public sealed unsafe partial class BitTreeAllocator : IDisposable
{
    /// <summary>s</summary>
    public const int MaxSmallSize = 65536;
    /// <summary>s</summary>
    public static nuint MaxSize => (nuint)1 << 46;
    /// <summary>s</summary>
    public static nuint MaxAlignment => 1u << 30;
    /// <summary>s</summary>
    public static BitTreeAllocator Shared => throw new NotSupportedException();
    /// <summary>s</summary>
    public BitTreeAllocator() => throw new NotSupportedException();
    /// <summary>s</summary>
    public BitTreeAllocator(BitTreeAllocatorOptions options) => throw new NotSupportedException();
    /// <summary>s</summary>
    public Profile Profile => throw new NotSupportedException();
    /// <summary>s</summary>
    public CasWidth CasWidth => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool Enabled { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    /// <summary>s</summary>
    public void* Alloc(ref ThreadCache cache, nuint size) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* Alloc(nuint size) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* AllocZeroed(ref ThreadCache cache, nuint size) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* AllocZeroed(nuint size) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* AllocZeroed(ref ThreadCache cache, nuint count, nuint elementSize) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* AllocZeroed(nuint count, nuint elementSize) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* AllocAligned(ref ThreadCache cache, nuint size, nuint alignment) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* AllocAligned(nuint size, nuint alignment) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* Realloc(ref ThreadCache cache, void* pointer, nuint newSize) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* Realloc(void* pointer, nuint newSize) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* ReallocAligned(ref ThreadCache cache, void* pointer, nuint newSize, nuint alignment) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void* ReallocAligned(void* pointer, nuint newSize, nuint alignment) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void Free(ref ThreadCache cache, void* pointer) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void Free(void* pointer) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void Free(ref ThreadCache cache, void* pointer, nuint size) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void Free(void* pointer, nuint size) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void FreeAligned(ref ThreadCache cache, void* pointer, nuint size, nuint alignment) => throw new NotSupportedException();
    /// <summary>s</summary>
    public void FreeAligned(void* pointer, nuint size, nuint alignment) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryAlloc(ref ThreadCache cache, nuint size, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryAlloc(nuint size, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryAllocZeroed(ref ThreadCache cache, nuint size, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryAllocZeroed(nuint size, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryAllocAligned(ref ThreadCache cache, nuint size, nuint alignment, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryAllocAligned(nuint size, nuint alignment, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryRealloc(ref ThreadCache cache, void* old, nuint newSize, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryRealloc(void* old, nuint newSize, out void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryFree(ref ThreadCache cache, void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool TryFree(void* pointer, out AllocError error) => throw new NotSupportedException();
    /// <summary>s</summary>
    public nuint UsableSize(void* pointer) => throw new NotSupportedException();
    /// <summary>s</summary>
    public static nuint GoodSize(nuint size) => throw new NotSupportedException();
    /// <summary>s</summary>
    public bool Owns(void* pointer) => throw new NotSupportedException();
    /// <summary>s</summary>
    public TrimResult Trim() => throw new NotSupportedException();
    /// <summary>s</summary>
    public TrimResult Trim(ref ThreadCache cache) => throw new NotSupportedException();
    /// <summary>s</summary>
    public AllocatorStatistics GetStatistics() => throw new NotSupportedException();
    /// <summary>s</summary>
    public void Dispose() => throw new NotSupportedException();
    /// <summary>s</summary>
    public ThreadCache CreateCache() => throw new NotSupportedException();
}
