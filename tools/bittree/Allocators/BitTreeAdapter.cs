using System.Runtime.CompilerServices;

namespace BitTreeAlloc.Tool.Allocators;

/// <summary>BitTreeAlloc the way a performance-minded caller uses it: an explicit cache, sized frees, its own realloc and calloc.</summary>
internal unsafe struct BitTreeAdapter : IAllocatorAdapter<BitTreeAdapter>
{
    private readonly BitTreeAllocator _allocator;
    private ThreadCache _cache;

    /// <summary>Makes a new allocator instance and a cache of it.</summary>
    public BitTreeAdapter(BitTreeAllocatorOptions options)
        : this(new BitTreeAllocator(options))
    {
    }

    private BitTreeAdapter(BitTreeAllocator allocator)
    {
        _allocator = allocator;
        _cache = allocator.CreateCache();
    }

    /// <inheritdoc/>
    public static bool Allocates => true;

    /// <inheritdoc/>
    public static bool ReallocKeepsAlignment => true;

    /// <summary>64 where the size is a multiple of 64, else 16 where it is one of 16, else 8: the documented rule.</summary>
    public static nuint PromisedAlignment(nuint size)
    {
        if (size == 0 || size % 16 != 0)
            return 8;
        return size % 64 == 0 ? 64u : 16u;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Alloc(nuint size) => _allocator.Alloc(ref _cache, size);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* AllocZeroed(nuint size) => _allocator.AllocZeroed(ref _cache, size);

    /// <inheritdoc/>
    public void* AllocAligned(nuint size, nuint alignment) => _allocator.AllocAligned(ref _cache, size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Realloc(void* pointer, nuint size) => _allocator.Realloc(ref _cache, pointer, size);

    /// <inheritdoc/>
    public void* ReallocAligned(void* pointer, nuint size, nuint alignment) => _allocator.ReallocAligned(ref _cache, pointer, size, alignment);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(void* pointer, nuint size) => _allocator.Free(ref _cache, pointer, size);

    /// <inheritdoc/>
    public void FreeAligned(void* pointer, nuint size, nuint alignment) => _allocator.FreeAligned(ref _cache, pointer, size, alignment);

    /// <inheritdoc/>
    public nuint? UsableSize(void* pointer) => _allocator.UsableSize(pointer);

    /// <inheritdoc/>
    public BitTreeAdapter ForThread() => new(_allocator);

    /// <inheritdoc/>
    public void CloseThread() => _cache.Dispose();

    /// <inheritdoc/>
    public void Trim() => _allocator.Trim();

    /// <inheritdoc/>
    public long LeftOver()
    {
        var figures = _allocator.GetStatistics();
        return figures.LiveBytes == 0 ? 0 : Math.Max(1, figures.Classes.Sum(c => c.LiveSlots) + figures.DirectCount);
    }

    /// <inheritdoc/>
    public long? OsCalls() => _allocator.GetStatistics().OsCalls;

    /// <inheritdoc/>
    public long? SlowPaths()
    {
        var figures = _allocator.GetStatistics();
        return figures.Refills + figures.Flushes;
    }

    /// <summary>A free that is not told the size.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FreeUnsized(void* pointer) => _allocator.Free(ref _cache, pointer);

    /// <inheritdoc/>
    public void Close() => _allocator.Dispose();
}
