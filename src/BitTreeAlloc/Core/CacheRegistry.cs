using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;
using BitTreeAlloc.Os;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the birth, ownership and reuse of cache records. The state word of a record names the heap that owns it; the trimmer walks the pool by number and signals those of its heap.
/// Invariants: I-G1 a record has one owner between TryRegister and Release; of two releases one wins. I-G2 a record on the stack caches nothing and belongs to the next tenure.
/// Callers: the Api when a cache binds or is disposed of; Trimmer and HeapFigures (walk). Checked by: property tests, thread birth and death tests.
/// </summary>
/// <remarks>A signal may hit a record that changed hands meanwhile: its owner comes in once, finds no new generation, and goes on.</remarks>
internal static unsafe class CacheRegistry<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private const ulong ArenaBytes = 1ul << 30;
    private const ulong MinArenaBytes = 1ul << 20;

    /// <summary>Makes the pool of a process in memory that stays: zeroed, and as long-lived as the process.</summary>
    public static Outcome CreatePool(RecordPool* pool, in VmTable os, bool wide)
    {
        pool->Os = os;
        pool->PageSize = os.PageSize();
        pool->Wide = wide;

        // One pool for all allocators to come, so the first one's options must not decide: an eighth of what can be had, at most 262 144 records.
        for (var bytes = ArenaBytes; ; bytes /= 2)
        {
            void* address;
            var alignment = (nuint)Math.Max(CacheRecord.Stride, pool->PageSize);
            var status = os.Reserve((nuint)bytes * 8, alignment, &address);
            if (status == VmStatus.Ok)
            {
                _ = os.Release(address, (nuint)bytes * 8);
                status = os.Reserve((nuint)bytes, alignment, &address);
            }

            if (status == VmStatus.Ok)
            {
                _ = os.Advise(address, (nuint)bytes, VmAdvice.NoHugePages);
                pool->Arena = new Watermark { Base = (byte*)address, Reserved = bytes, Step = HeapOs<TAtomics>.AlignUp(64 << 10, pool->PageSize) };
                return Outcome.Ok;
            }

            if (bytes / 2 < MinArenaBytes)
                return Outcomes.From(status);
        }
    }

    /// <summary>A record for a new cache, or null with the reason. It is an explicit cache until <see cref="CacheClaims{TAtomics}.BeginAmbient"/>.</summary>
    public static CacheRecord* TryRegister(Heap* heap, ulong serial, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var pool = heap->Pool;
        var record = (CacheRecord*)NodeStack<TAtomics>.TryPop(Arena(pool), &heap->FreeRecords.Head);
        if (record == null)
            record = TakeFromPool(heap, out outcome);
        if (record == null)
            return null;

        // A first stretch: the record carries its base for the hit path of an unsized free.
        record->Pool = pool;
        record->Heap = heap;
        record->Serial = serial;
        UseStretch(record, Placement<TAtomics>.StretchAt(heap, 0));

        // order: acquire: nothing is cached yet, so any generation up to now needs no flush [G1]
        record->SeenGeneration = TAtomics.LoadAcquire(&heap->GenerationLine.Value, Site.GenerationLoad);
        ResetClasses(record);
        TAtomics.StoreRelease(&record->IsAmbient, 0, Site.RecordKind); // order: release: published with the state [G3]
        TAtomics.StoreRelease(&record->IdleTicks, 0, Site.HeapFigures); // order: a figure [H1]
        TAtomics.StoreRelease(&record->State, (ulong)heap, Site.RecordState); // order: release: the trimmer may signal it from here on [G3]
        return record;
    }

    /// <summary>The addresses that the hit path of an unsized free serves.</summary>
    public static void UseStretch(CacheRecord* record, Stretch* stretch)
    {
        record->ClassMap = stretch->ClassMap;
        record->Base = (ulong)stretch->Base;
        record->Granules = stretch->Length >> Stretch.GranuleShift;
    }

    /// <summary>Takes the right to release the record of an explicit cache: of two aliases that are disposed of, one gets it. (For ambient ones <see cref="CacheClaims{TAtomics}.TryEndTenure"/>.)</summary>
    public static bool TryLeave(CacheRecord* record) =>
        TAtomics.CompareExchangeAcqRel(&record->State, (ulong)record->Heap, CacheRecord.Leaving, Site.RecordState); // order: acquire and release [G3]

    /// <summary>Takes back a flushed record after <see cref="TryLeave"/> or the end of its tenure, or one whose heap is gone.</summary>
    public static void Release(CacheRecord* record)
    {
        var pool = record->Pool;
        if (record->Heap != null)
            SettleFigures(record);
        var stack = record->Heap != null ? &record->Heap->FreeRecords.Head : &pool->Free.Head;
        record->Heap = null;
        TAtomics.StoreRelease(&record->State, CacheRecord.Unowned, Site.RecordState); // order: release, before the tenure: who sees the next tenure sees that nobody owns it [G3] [K3]
        CacheClaims<TAtomics>.NextTenure(record);
        NodeStack<TAtomics>.TryPush(Arena(pool), stack, (ulong*)record, ulong.MaxValue);
    }

    /// <summary>Hands a record's or a guest's figures, empty magazine and unused grant over to the heap.</summary>
    public static void SettleFigures(CacheRecord* record)
    {
        var heap = record->Heap;
        CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);
        Magazines<TAtomics, TGeometry>.ReleaseSpare(heap, record);
        CacheBudget<TAtomics>.Settle(heap, record);
        TAtomics.FetchAddAcqRel(&heap->SharedOperationsLine.Value, record->SharedOperations, Site.HeapFigures); // order: a figure [H1]
        TAtomics.FetchAddAcqRel(&heap->RefillsLine.Value, record->Refills, Site.HeapFigures); // order: a figure [H1]
        TAtomics.FetchAddAcqRel(&heap->FlushesLine.Value, record->Flushes, Site.HeapFigures); // order: a figure [H1]
    }

    /// <summary>The heap ends. Records that are free go back to the pool; those of caches that are still out turn every call off the hit path, where the missing heap is noticed.</summary>
    public static void CloseAll(Heap* heap)
    {
        var pool = heap->Pool;
        for (var record = First(heap); record != null;)
        {
            var next = Next(record);
            record->Heap = null;
            record->Granules = 0;
            ResetClasses(record);
            for (var regionClass = 0; regionClass < RegionClasses.Count && RegionAreas<TAtomics, TGeometry>.SpaceAt(heap, 0) != null; regionClass++)
                TAtomics.StoreRelease(CacheRecord.Region(record, regionClass), 0, Site.RegionSlotReset); // order: the heap is quiet; its regions go with it [Q3]
            if (TAtomics.LoadAcquire(&record->State, Site.RecordState) == CacheRecord.Unowned) // order: acquire; the heap is quiet [G3]
                NodeStack<TAtomics>.TryPush(Arena(pool), &pool->Free.Head, (ulong*)record, ulong.MaxValue);
            else
                TAtomics.StoreRelease(&record->State, CacheRecord.Closed, Site.RecordState); // order: release: Release and the next owner come after [G3]
            record = next;
        }
    }

    /// <summary>The newest record that the heap took, or null; with <see cref="Next"/> a walk over all of them, owned or free.</summary>
    public static CacheRecord* First(Heap* heap) =>
        (CacheRecord*)TAtomics.LoadAcquire(&heap->RecordListLine.Value, Site.RecordList); // order: acquire: the record's own link [G4]

    /// <summary>The record that the heap took before.</summary>
    public static CacheRecord* Next(CacheRecord* record) =>
        (CacheRecord*)TAtomics.LoadAcquire(&record->HeapNext, Site.RecordListLink); // order: acquire: that record's own link [G4]

    /// <summary>Records in the heap's list.</summary>
    public static ulong CountOf(Heap* heap) => TAtomics.LoadAcquire(&heap->RecordCountLine.Value, Site.HeapFigures); // order: a figure [H1]

    /// <summary>Whether a registration would find a record that nobody owns.</summary>
    public static bool HasFree(Heap* heap) => NodeStack<TAtomics>.Depth(Arena(heap->Pool), &heap->FreeRecords.Head) != 0;

    /// <summary>The next record in turn, for who looks at a few at a time; null where the heap has none.</summary>
    public static CacheRecord* NextInTurn(Heap* heap)
    {
        // order: acquire: the record's own link; two that look at once may look at the same record [G4]
        var record = (CacheRecord*)TAtomics.LoadAcquire(&heap->ProbeCursorLine.Value, Site.RecordCursor);
        if (record == null)
            record = First(heap);
        if (record != null)
            TAtomics.StoreRelease(&heap->ProbeCursorLine.Value, (ulong)Next(record), Site.RecordCursor); // order: release: the link behind it [G4]
        return record;
    }

    /// <summary>Records ever born.</summary>
    public static int Count(RecordPool* pool) => (int)(TAtomics.LoadAcquire(&pool->NextLine.Value, Site.RecordFrontier) / CacheRecord.Stride); // order: acquire [W1]

    /// <summary>Record number i, below <see cref="Count"/>.</summary>
    public static CacheRecord* At(RecordPool* pool, int number) => (CacheRecord*)(pool->Arena.Base + ((ulong)number * CacheRecord.Stride));

    /// <summary>Whether a cache of that heap owns it now.</summary>
    public static bool IsOwnedBy(CacheRecord* record, Heap* heap) => TAtomics.LoadAcquire(&record->State, Site.RecordState) == (ulong)heap; // order: acquire [G3]

    private static void ResetClasses(CacheRecord* record)
    {
        for (var sizeClass = 0; sizeClass < SizeClasses.Count; sizeClass++)
        {
            // Release left them so; what is new is the record, or what a signal to its last owner did.
            CacheTops<TAtomics, TGeometry>.Reset(record, sizeClass);
            *CacheRecord.IdleMark(record, sizeClass) = 0;
            *CacheRecord.LastBlock(record, sizeClass) = 0;
        }

        record->SpareEmpty = 0;
        record->PendingInUse = 0;
        record->SharedOperations = 0;
        record->Refills = 0;
        record->Flushes = 0;
        record->News = 0;
        record->Inside = 0;
        CacheBudget<TAtomics>.Reset(record);
        record->ReliefDue = 0;
        record->TickMark = 0;
        record->LastArea = null;
    }

    private static NodeArena Arena(RecordPool* pool) => new((ulong)pool->Arena.Base, System.Numerics.BitOperations.Log2(CacheRecord.Stride), pool->Wide);

    private static CacheRecord* TakeFromPool(Heap* heap, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var pool = heap->Pool;
        var record = (CacheRecord*)NodeStack<TAtomics>.TryPop(Arena(pool), &pool->Free.Head);
        if (record == null)
            record = Birth(heap, pool, out outcome);
        if (record == null)
            return null;
        for (; ; )
        {
            var newest = TAtomics.LoadAcquire(&heap->RecordListLine.Value, Site.RecordList); // order: acquire [G4]
            TAtomics.StoreRelease(&record->HeapNext, newest, Site.RecordListLink); // order: published with the list [G4]
            if (TAtomics.CompareExchangeAcqRel(&heap->RecordListLine.Value, newest, (ulong)record, Site.RecordList)) // order: release: the link behind it [G4]
            {
                TAtomics.FetchAddAcqRel(&heap->RecordCountLine.Value, 1, Site.HeapFigures); // order: a figure [H1]
                return record;
            }
        }
    }

    private static CacheRecord* Birth(Heap* heap, RecordPool* pool, out Outcome outcome)
    {
        for (; ; )
        {
            var next = TAtomics.LoadAcquire(&pool->NextLine.Value, Site.RecordFrontier); // order: acquire [W1]
            if (next + CacheRecord.Stride > pool->Arena.Reserved)
            {
                outcome = Outcome.AddressSpaceExhausted;
                return null;
            }

            var status = HeapOs<TAtomics>.Ensure(pool->Os, pool->PageSize, &pool->OsCallsLine, heap, &pool->Arena, next + CacheRecord.Stride);
            outcome = Outcomes.From(status);
            if (status != VmStatus.Ok)
                return null;
            if (TAtomics.CompareExchangeAcqRel(&pool->NextLine.Value, next, next + CacheRecord.Stride, Site.RecordFrontier)) // order: release [W1]
                return (CacheRecord*)(pool->Arena.Base + next);
        }
    }
}
