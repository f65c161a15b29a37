using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// The ambient caches of one thread: a sentinel that the thread alone holds. When the thread is gone, a collection finds it and its finalizer gives the caches back.
/// </summary>
/// <remarks>Registration and Dispose pass a gate, because a finalizer may run while an allocator is being disposed of. The gate is no serving path: once per thread and allocator.</remarks>
internal sealed unsafe class AmbientCaches
{
    private static ulong s_gate;

    private readonly List<(BitTreeAllocator Owner, nint Record)> _entries = [];

    ~AmbientCaches()
    {
        foreach (var (owner, record) in _entries)
            ReleaseFrom(owner, (CacheRecord*)record);
    }

    /// <summary>This thread's record of that allocator, or null.</summary>
    public CacheRecord* Find(BitTreeAllocator owner)
    {
        foreach (var entry in _entries)
        {
            if (ReferenceEquals(entry.Owner, owner))
                return (CacheRecord*)entry.Record;
        }

        return null;
    }

    /// <summary>Remembers a record, forgets those of allocators that are gone.</summary>
    public void Add(BitTreeAllocator owner, CacheRecord* record)
    {
        for (var index = _entries.Count - 1; index >= 0; index--)
        {
            if (!_entries[index].Owner.IsDisposed)
                continue;
            CacheLife.Abandon((CacheRecord*)_entries[index].Record);
            _entries.RemoveAt(index);
        }

        _entries.Add((owner, (nint)record));
    }

    /// <summary>Ends the heap of an allocator while no finalizer and no reader of statistics is inside.</summary>
    public static void Close(BitTreeAllocator owner)
    {
        Enter();
        try
        {
            owner.Destroy();
        }
        finally
        {
            Leave();
        }
    }

    private static void ReleaseFrom(BitTreeAllocator owner, CacheRecord* record)
    {
        Enter();
        try
        {
            if (!owner.IsDisposed)
                CacheLife.Release(record);
            else
                CacheLife.Abandon(record);
        }
        catch (AllocatorMisuseException)
        {
            // What the dead thread freed twice was found only now; there is nobody left to tell, and a finalizer must not end the process.
        }
        finally
        {
            Leave();
        }
    }

    internal static void Enter()
    {
        var spin = default(SpinWait);
        fixed (ulong* gate = &s_gate)
        {
            while (!HardwareAtomics.CompareExchangeAcqRel(gate, 0, 1, Site.None)) // order: acquire: what the last holder did [A1]
                spin.SpinOnce();
        }
    }

    internal static void Leave()
    {
        fixed (ulong* gate = &s_gate)
            HardwareAtomics.StoreRelease(gate, 0, Site.None); // order: release [A1]
    }
}
