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
        foreach (var entry in _entries)
        {
            try
            {
                CacheLife.EndTenure(entry.Owner, (CacheRecord*)entry.Record, entry.Tenure);
            }
            catch (AllocatorMisuseException)
            {
                // What the dead thread freed twice was found only now; there is nobody left to tell, and a finalizer must not end the process.
            }
        }
    }

    /// <summary>This thread's record of that allocator, or null.</summary>
    public CacheRecord* Find(BitTreeAllocator owner)
    {
        var index = IndexOf(owner);
        return index < 0 ? null : (CacheRecord*)_entries[index].Record;
    }

    /// <summary>Remembers a record, forgets those of allocators that are gone.</summary>
    public void Add(BitTreeAllocator owner, CacheRecord* record)
    {
        for (var index = _entries.Count - 1; index >= 0; index--)
        {
            if (!_entries[index].Owner.IsDisposed)
                continue;
            CacheLife.EndTenure(_entries[index].Owner, (CacheRecord*)_entries[index].Record, _entries[index].Tenure);
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
        CacheLife.EndTenure(owner, (CacheRecord*)entry.Record, entry.Tenure);
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
