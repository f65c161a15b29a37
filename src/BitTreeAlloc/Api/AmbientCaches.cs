using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// The ambient caches of one thread: a sentinel that the thread alone holds. When the thread is gone and nobody adopted its caches (<see cref="DeadOwners"/>), a collection finds the sentinel
/// and its finalizer gives them back.
/// </summary>
internal sealed unsafe class AmbientCaches
{
    private readonly List<Entry> _entries = [];

    ~AmbientCaches()
    {
        // What the dead thread freed twice was found only now; there is nobody left to tell.
        foreach (var entry in _entries)
            _ = CacheLife.EndTenure(entry.Owner, (CacheRecord*)entry.Record, entry.Tenure);
    }

    /// <summary>This thread's record of that allocator, or null.</summary>
    public CacheRecord* Find(BitTreeAllocator owner)
    {
        var index = IndexOf(owner);
        return index < 0 ? null : (CacheRecord*)_entries[index].Record;
    }

    /// <summary>Remembers a record, forgets those of allocators that are gone wholly: a call never waits for the Dispose of another allocator.</summary>
    public void Add(BitTreeAllocator owner, CacheRecord* record)
    {
        for (var index = _entries.Count - 1; index >= 0; index--)
        {
            if (!_entries[index].Owner.IsGone)
                continue;
            _ = CacheLife.EndTenure(_entries[index].Owner, (CacheRecord*)_entries[index].Record, _entries[index].Tenure);
            _entries.RemoveAt(index);
        }

        _entries.Add(new Entry(owner, (nint)record, CacheClaims<HardwareAtomics>.TenureOf(record)));
    }

    /// <summary>Forgets a record that a claimer has by now.</summary>
    public void Forget(BitTreeAllocator owner)
    {
        var index = IndexOf(owner);
        if (index >= 0)
            _entries.RemoveAt(index);
    }

    /// <summary>Gives the thread's record of that allocator back.</summary>
    public void End(BitTreeAllocator owner)
    {
        var index = IndexOf(owner);
        if (index < 0)
            return;
        var entry = _entries[index];
        _entries.RemoveAt(index);
        var outcome = CacheLife.EndTenure(owner, (CacheRecord*)entry.Record, entry.Tenure);
        if (outcome != Core.Outcome.Ok)
            throw Errors.Misuse(outcome);
    }

    private int IndexOf(BitTreeAllocator owner)
    {
        for (var index = 0; index < _entries.Count; index++)
        {
            if (ReferenceEquals(_entries[index].Owner, owner))
                return index;
        }

        return -1;
    }

    private readonly record struct Entry(BitTreeAllocator Owner, nint Record, ulong Tenure);
}
