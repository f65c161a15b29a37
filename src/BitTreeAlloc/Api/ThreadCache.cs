using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// A cache of slots, passed by reference to the calls of one <see cref="BitTreeAllocator"/>. One pointer to a native record: a copy is an alias of the same cache, never a fork that
/// hands a slot out twice.
/// </summary>
/// <remarks>
/// <para><c>default</c> is a valid cache: it binds itself to the allocator of its first call. One thread at a time: it may move between threads along a happens-before edge (await, a queue);
/// two threads inside at once is an error, found on the slow path and reported as <see cref="AllocatorMisuseException"/>.</para>
/// <para>Dispose of it, before its allocator: what it caches is not free for others until then. Each cache costs 4 KiB and a KiB or two per class that it used.</para>
/// </remarks>
/// <example><code>
/// using var allocator = new BitTreeAllocator();
/// var cache = allocator.CreateCache();
/// var pointer = allocator.Alloc(ref cache, 100);
/// allocator.Free(ref cache, pointer, 100);
/// cache.Dispose();
/// </code></example>
public unsafe struct ThreadCache : IDisposable, IEquatable<ThreadCache>
{
    internal CacheRecord* Record;

    /// <summary>Whether it belongs to an allocator already.</summary>
    public readonly bool IsBound => Record != null;

    /// <summary>
    /// Hands everything cached back to the blocks; the cache stays usable. Call it before the owner sleeps for long, so that <see cref="BitTreeAllocator.Trim()"/> of another thread
    /// finds nothing here. Owner only.
    /// </summary>
    /// <exception cref="AllocatorMisuseException">Another thread is inside this cache, or what it held was freed twice.</exception>
    public readonly void Park()
    {
        if (Record == null || Record->Heap == null)
            return;
        var outcome = Record->Heap->Engine.Flush(Record, out _);
        if (outcome != Outcome.Ok)
            throw Errors.Misuse(outcome);
    }

    /// <summary>Hands everything back, the record too. Twice on the same variable is harmless; an alias must not be used any more.</summary>
    /// <exception cref="AllocatorMisuseException">Another thread is inside this cache, or what it held was freed twice.</exception>
    public void Dispose()
    {
        var record = Record;
        Record = null;
        if (record == null)
            return;
        if (record->Heap != null)
            CacheLife.Release(record);
        else if (record->State == CacheRecord.Closed)
            CacheLife.Abandon(record);
    }

    /// <inheritdoc/>
    public readonly bool Equals(ThreadCache other) => Record == other.Record;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is ThreadCache other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => ((nuint)Record).GetHashCode();

    /// <summary>Aliases of the same cache.</summary>
    public static bool operator ==(ThreadCache left, ThreadCache right) => left.Equals(right);

    /// <summary>Different caches.</summary>
    public static bool operator !=(ThreadCache left, ThreadCache right) => !left.Equals(right);
}
