using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>The entrance of a cache at the checked level, for calls off the hit path: somebody inside is seen by the next who comes, at once.</summary>
/// <remarks>Plain words: of two that enter in the same few nanoseconds both may get in. The busy word of the slow path and the marks find what comes of it.</remarks>
internal static unsafe class CacheGuard
{
    /// <summary>False where another call is inside.</summary>
    public static bool TryEnter(CacheRecord* record)
    {
        if (record->Inside == CacheRecord.Occupied)
            return false;
        record->Inside = CacheRecord.Occupied;
        return true;
    }

    /// <summary>The hit path of the allocator that owns the record is open again.</summary>
    public static void Leave(CacheRecord* record) => record->Inside = record->Serial;
}
