using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the birth and reuse of cache records. Records lie side by side, so the trimmer walks them by number; a record given back waits on a stack.
/// Invariants: I-G1 a record has one owner between TryRegister and Release. I-G2 a record on the stack caches nothing.
/// Callers: the Api when a cache binds or is disposed of; Trimmer (walk). Checked by: property tests, thread birth and death tests.
/// </summary>
internal static unsafe class CacheRegistry<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>A record for a new cache, or null with the reason.</summary>
    public static CacheRecord* TryRegister(Heap* heap, ulong serial, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var record = (CacheRecord*)NodeStack<TAtomics>.TryPop(Arena(heap), &heap->FreeRecords.Head);
        if (record == null)
            record = Birth(heap, out outcome);
        if (record == null)
            return null;

        // A first stretch: the record carries its base for the hit path of an unsized free.
        var stretch = Placement<TAtomics>.StretchAt(heap, 0);
        record->Heap = heap;
        record->Serial = serial;
        record->ClassMap = stretch->ClassMap;
        record->Base = (ulong)stretch->Base;
        record->Granules = stretch->Length >> Stretch.GranuleShift;

        // order: acquire: nothing is cached yet, so any generation up to now needs no flush [G1]
        record->SeenGeneration = TAtomics.LoadAcquire(&heap->GenerationLine.Value, Site.GenerationLoad);
        for (var sizeClass = 0; sizeClass < SizeClasses.Count; sizeClass++)
        {
            *CacheRecord.Top(record, sizeClass) = CacheRecord.EmptyTop(record);
            *CacheRecord.Limit(record, sizeClass) = 0;
            *CacheRecord.LastBlock(record, sizeClass) = 0;
        }

        TAtomics.StoreRelease(&record->State, CacheRecord.Owned, Site.RecordState); // order: release: the trimmer may signal it from here on [G3]
        return record;
    }

    /// <summary>Takes back a record whose cache is flushed.</summary>
    public static void Release(CacheRecord* record)
    {
        var heap = record->Heap;
        CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);
        TAtomics.StoreRelease(&record->State, CacheRecord.Unowned, Site.RecordState); // order: release [G3]
        NodeStack<TAtomics>.TryPush(Arena(heap), &heap->FreeRecords.Head, (ulong*)record, ulong.MaxValue);
    }

    /// <summary>Records ever born.</summary>
    public static int Count(Heap* heap) => (int)(TAtomics.LoadAcquire(&heap->RecordsNextLine.Value, Site.RecordFrontier) / CacheRecord.Stride); // order: acquire [W1]

    /// <summary>Record number i, below <see cref="Count"/>.</summary>
    public static CacheRecord* At(Heap* heap, int number) => (CacheRecord*)(heap->Records.Base + ((ulong)number * CacheRecord.Stride));

    /// <summary>Whether somebody owns it now.</summary>
    public static bool IsOwned(CacheRecord* record) => TAtomics.LoadAcquire(&record->State, Site.RecordState) == CacheRecord.Owned; // order: acquire [G3]

    private static NodeArena Arena(Heap* heap) => new((ulong)heap->Records.Base, System.Numerics.BitOperations.Log2(CacheRecord.Stride), heap->UseCas16);

    private static CacheRecord* Birth(Heap* heap, out Outcome outcome)
    {
        for (; ; )
        {
            var next = TAtomics.LoadAcquire(&heap->RecordsNextLine.Value, Site.RecordFrontier); // order: acquire [W1]
            if (next + CacheRecord.Stride > heap->Records.Reserved)
            {
                outcome = Outcome.AddressSpaceExhausted;
                return null;
            }

            var status = HeapOs<TAtomics>.Ensure(heap, &heap->Records, next + CacheRecord.Stride);
            outcome = Outcomes.From(status);
            if (status != VmStatus.Ok)
                return null;
            if (TAtomics.CompareExchangeAcqRel(&heap->RecordsNextLine.Value, next, next + CacheRecord.Stride, Site.RecordFrontier)) // order: release [W1]
                return (CacheRecord*)(heap->Records.Base + next);
        }
    }
}
