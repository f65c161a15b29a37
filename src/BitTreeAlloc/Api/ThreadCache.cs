using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// A cache of slots, passed by reference to the calls of one <see cref="BitTreeAllocator"/>. One pointer to a native record: a copy is an alias of the same cache, never a fork that
/// hands a slot out twice.
/// </summary>
/// <remarks>
/// <para><c>default</c> is a valid cache: it binds itself to the allocator of its first call. One thread at a time: it may move between threads along a happens-before edge (await, a queue);
/// two threads inside at once is an error, found on the slow path (at the checked level on every call) and reported as <see cref="AllocatorMisuseException"/>.</para>
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
    /// <summary>
    /// The record; negated at the checked level. An address of user memory is positive, so one comparison on the hit path turns off both a cache that is not bound yet and one of a checked
    /// allocator: the level costs the fast one no instruction.
    /// </summary>
    internal CacheRecord* Bound;

    /// <summary>The record, or null.</summary>
    internal CacheRecord* Record
    {
        readonly get => IsChecked ? Negated(Bound) : Bound;
        set => Bound = value != null && value->Heap != null && value->Heap->Checked ? Negated(value) : value;
    }

    /// <summary>Whether its allocator is at the checked level.</summary>
    internal readonly bool IsChecked => (nint)Bound < 0;

    /// <summary>Whether it belongs to an allocator already.</summary>
    public readonly bool IsBound => Bound != null;

    /// <summary>
    /// Hands everything cached back to the blocks; the cache stays usable. Call it before the owner sleeps for long, so that <see cref="BitTreeAllocator.Trim()"/> of another thread
    /// finds nothing here. Owner only.
    /// </summary>
    /// <exception cref="AllocatorMisuseException">Another thread is inside this cache, or what it held was freed twice.</exception>
    public readonly void Park()
    {
        var record = Record;
        if (record == null || record->Heap == null)
            return;
        if (IsChecked && !CacheGuard.TryEnter(record))
            throw Errors.Misuse(Outcome.CacheMisused);
        var outcome = record->Heap->Engine.Flush(record, out _);
        if (IsChecked)
            CacheGuard.Leave(record);
        if (outcome != Outcome.Ok)
            throw Errors.Misuse(outcome);
    }

    /// <summary>Hands everything back, the record too. Twice on the same variable is harmless; an alias must not be used any more.</summary>
    /// <exception cref="AllocatorMisuseException">Another thread is inside this cache, or what it held was freed twice.</exception>
    public void Dispose()
    {
        var record = Record;
        if (record == null)
            return;
        if (IsChecked && record->Inside == CacheRecord.Occupied && record->Heap != null)
            throw Errors.Misuse(Outcome.CacheMisused);
        Bound = null;
        if (record->Heap != null)
            CacheLife.Release(record);
        else if (CacheLife.TryLeaveClosed(record))
            CacheLife.Abandon(record);
    }

    /// <inheritdoc/>
    public readonly bool Equals(ThreadCache other) => Bound == other.Bound;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is ThreadCache other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => ((nuint)Bound).GetHashCode();

    private static CacheRecord* Negated(CacheRecord* record) => (CacheRecord*)-(nint)record;

    /// <summary>Aliases of the same cache.</summary>
    public static bool operator ==(ThreadCache left, ThreadCache right) => left.Equals(right);

    /// <summary>Different caches.</summary>
    public static bool operator !=(ThreadCache left, ThreadCache right) => !left.Equals(right);
}
