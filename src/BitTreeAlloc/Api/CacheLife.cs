using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Core;
using BitTreeAlloc.Os;

namespace BitTreeAlloc;

/// <summary>The end of a cache, the same for explicit and ambient ones.</summary>
internal static unsafe class CacheLife
{
    private static RecordPool* s_pool;

    /// <summary>The process's cache records, made at the first use of any allocator.</summary>
    public static RecordPool* Pool(bool useCas16)
    {
        // order: the pointer's target was written before it was published; .NET keeps dependent reads in order [A2]
        if (s_pool == null)
            MakePool(useCas16);
        return s_pool;
    }

    /// <summary>Takes the right to give back the record of an explicit cache that outlived its allocator: of two aliases one gets it.</summary>
    public static bool TryLeaveClosed(CacheRecord* record) =>
        HardwareAtomics.CompareExchangeAcqRel(&record->State, CacheRecord.Closed, CacheRecord.Leaving, Site.RecordState); // order: acquire and release [G3]

    /// <summary>Gives back the record of a cache that outlived its allocator.</summary>
    public static void Abandon(CacheRecord* record) => CacheRegistry<HardwareAtomics, ShippedGeometry>.Release(record);

    /// <summary>
    /// Ends an ambient cache: by its owner, by its thread's sentinel, or by who found its thread dead; of several one does it. The record of an allocator that is gone goes back to the pool.
    /// </summary>
    /// <returns>What the cache held may have been freed twice: news for the owner, and nobody's fault who finds it dead. Not thrown here: a handler of first-chance exceptions may allocate.</returns>
    public static Outcome EndTenure(BitTreeAllocator owner, CacheRecord* record, ulong tenure)
    {
        if (!owner.TryVisit(out var heap))
        {
            owner.WaitUntilDisposed();
            if (record->Heap == null && CacheClaims<HardwareAtomics>.TryEndTenure(record, tenure))
                Abandon(record);
            return Outcome.Ok;
        }

        try
        {
            return CacheClaims<HardwareAtomics>.TryEndTenure(record, tenure) ? heap->Engine.EndTenured(record) : Outcome.Ok;
        }
        finally
        {
            owner.EndVisit();
        }
    }

    /// <summary>Flushes an explicit cache and gives its record back.</summary>
    public static void Release(CacheRecord* record)
    {
        // Of two aliases one gets here; the other must not touch what may belong to somebody else by now.
        var engine = record->Heap->Engine;
        if (!engine.TryLeave(record))
            throw Errors.Misuse(Outcome.CacheMisused);
        var outcome = engine.Flush(record, out _);
        if (outcome == Outcome.CacheMisused)
            throw Errors.Misuse(outcome); // Somebody is inside: the record is never used again.
        engine.Unregister(record);
        if (outcome != Outcome.Ok)
            throw Errors.Misuse(outcome);
    }

    private static void MakePool(bool useCas16)
    {
        var pool = (RecordPool*)NativeMemory.AlignedAlloc((nuint)sizeof(RecordPool), 128);
        NativeMemory.Clear(pool, (nuint)sizeof(RecordPool));
        var outcome = CacheRegistry<HardwareAtomics, ShippedGeometry>.CreatePool(pool, SystemVirtualMemory.Table, useCas16);
        if (outcome != Outcome.Ok)
        {
            NativeMemory.AlignedFree(pool);
            throw new AllocatorOutOfMemoryException(Errors.Of(outcome), 1 << 20, $"Cannot reserve 1 MiB of addresses for cache records: {Errors.TextOf(Errors.Of(outcome))}");
        }

        // order: release publishes the pool; the loser of a race gives its own back [A2]
        fixed (RecordPool** shared = &s_pool)
        {
            if (HardwareAtomics.CompareExchangeAcqRel((ulong*)shared, 0, (ulong)pool, Site.None))
                return;
        }

        var arena = pool->Arena;
        _ = pool->Os.Release(arena.Base, (nuint)arena.Reserved);
        NativeMemory.AlignedFree(pool);
    }
}
