using BitTreeAlloc.Bits;
using BitTreeAlloc.Tool.Allocators;

namespace BitTreeAlloc.Tests.Unit.Core;

/// <summary>A replay's way to one allocator, counting the requests above 64 KiB.</summary>
internal unsafe struct CountingAdapter(BitTreeAllocator allocator) : IAllocatorAdapter<CountingAdapter>
{
    private ThreadCache _cache = allocator.CreateCache();

    public static bool Allocates => true;

    public static bool ReallocKeepsAlignment => true;

    /// <summary>Requests that small classes do not serve.</summary>
    public long AboveSmall { get; private set; }

    public static nuint PromisedAlignment(nuint size) => 8;

    public void* Alloc(nuint size) => Count(null, allocator.Alloc(ref _cache, size));

    public void* AllocZeroed(nuint size) => Count(null, allocator.AllocZeroed(ref _cache, size));

    public void* AllocAligned(nuint size, nuint alignment) => Count(null, allocator.AllocAligned(ref _cache, size, alignment));

    public void* Realloc(void* pointer, nuint size) => Count(pointer, allocator.Realloc(ref _cache, pointer, size));

    public void* ReallocAligned(void* pointer, nuint size, nuint alignment) => Count(pointer, allocator.ReallocAligned(ref _cache, pointer, size, alignment));

    public void Free(void* pointer, nuint size) => allocator.Free(ref _cache, pointer, size);

    public void FreeAligned(void* pointer, nuint size, nuint alignment) => allocator.FreeAligned(ref _cache, pointer, size, alignment);

    public readonly nuint? UsableSize(void* pointer) => allocator.UsableSize(pointer);

    public readonly CountingAdapter ForThread() => new(allocator);

    public void CloseThread() => _cache.Dispose();

    public readonly void Trim() => allocator.Trim();

    public readonly long LeftOver() => (long)allocator.GetStatistics().LiveBytes;

    public readonly void Close() => allocator.Dispose();

    private void* Count(void* before, void* after)
    {
        if (after != before && allocator.UsableSize(after) > SizeClasses.MaxSmallSize)
            AboveSmall++;
        return after;
    }
}
