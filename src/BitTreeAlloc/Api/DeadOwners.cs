using System.Runtime.InteropServices;
using BitTreeAlloc.Atomics;
using BitTreeAlloc.Core;

namespace BitTreeAlloc;

/// <summary>
/// Finds ambient caches whose threads ended, so that they come back without a garbage collection: a new cache looks at two records, and at all of them before it would make the heap's list
/// longer than twice the caches that were alive at the last such look.
/// </summary>
/// <remarks>
/// A record keeps one weak handle for ever and names its present owner's thread in it, so reading it is safe whoever owns the record meanwhile; that the owner read is the owner meant is what the
/// tenure in the claim word says.
/// </remarks>
internal static unsafe class DeadOwners
{
    private const int Probes = 2;
    private const ulong SpareRecords = 16;

    /// <summary>Names the calling thread as the owner, before the record says that it is ambient.</summary>
    public static void SetOwner(CacheRecord* record)
    {
        var handle = record->OwnerHandle == 0 ? GCHandle.Alloc(Thread.CurrentThread, GCHandleType.Weak) : GCHandle.FromIntPtr((nint)record->OwnerHandle);
        handle.Target = Thread.CurrentThread;
        record->OwnerHandle = (ulong)GCHandle.ToIntPtr(handle);
    }

    /// <summary>Gives back what dead threads left, as far as is due before another record is made.</summary>
    public static void MakeRoom(BitTreeAllocator owner, Heap* heap)
    {
        var engine = heap->Engine;
        for (var probe = 0; probe < Probes; probe++)
        {
            var record = engine.NextInTurn(heap);
            if (record != null)
                _ = IsAliveOrEnded(owner, heap, record);
        }

        var count = engine.RecordCount(heap);
        if (engine.HasFreeRecord(heap) || count < Math.Max(SpareRecords, HardwareAtomics.LoadAcquire(&heap->ProbeThresholdLine.Value, Site.HeapFigures))) // order: a figure [H1]
            return;
        var alive = 0ul;
        for (var record = CacheRegistry<HardwareAtomics, Bits.ShippedGeometry>.First(heap); record != null; record = CacheRegistry<HardwareAtomics, Bits.ShippedGeometry>.Next(record))
            alive += IsAliveOrEnded(owner, heap, record) ? 1u : 0;
        HardwareAtomics.StoreRelease(&heap->ProbeThresholdLine.Value, (2 * alive) + SpareRecords, Site.HeapFigures); // order: a figure [H1]
    }

    /// <summary>False where the record's owner was found dead (then its cache has been given back) or where it has none.</summary>
    private static bool IsAliveOrEnded(BitTreeAllocator owner, Heap* heap, CacheRecord* record)
    {
        var tenure = CacheClaims<HardwareAtomics>.TenureOf(record);
        if (!CacheClaims<HardwareAtomics>.IsAmbient(heap, record, tenure))
            return CacheRegistry<HardwareAtomics, Bits.ShippedGeometry>.IsOwnedBy(record, heap);
        var thread = (Thread?)GCHandle.FromIntPtr((nint)record->OwnerHandle).Target;

        // A running thread keeps its object alive. Join makes what the thread did last visible here.
        if (thread != null && (thread.IsAlive || !thread.Join(0)))
            return true;

        // What the dead thread freed twice is not the fault of the one who finds it.
        _ = CacheLife.EndTenure(owner, record, tenure);
        return false;
    }
}
