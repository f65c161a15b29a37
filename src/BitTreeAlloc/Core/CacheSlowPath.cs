using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: what happens when a loaded magazine runs empty or full: swap with the spare, the recycler, the blocks; and the answer to the trimmer's signal.
/// Invariants: I-C4 a slow path runs inside the record's busy word; who finds it taken has found a cache used by two threads. I-C5 limits are armed by exchange only: a plain store
/// could swallow a signal that stands in between. I-C6 a cache never goes on past a generation it has not flushed for.
/// Callers: the Api's slow paths, owning the record. Checked by: property tests, misuse tests; the explorer's trim scenarios.
/// </summary>
internal static unsafe class CacheSlowPath<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>One slot of the class, or 0 with the reason.</summary>
    public static ulong Alloc(CacheRecord* record, int sizeClass, out Outcome outcome)
    {
        if (!TryEnter(record))
        {
            outcome = Outcome.CacheMisused;
            return 0;
        }

        FlushIfAsked(record);
        var slot = PopOrRefill(record, sizeClass, out outcome);
        Leave(record);
        return slot;
    }

    /// <summary>One slot of the class that reads as zero, where a clean block can serve it; 0 with <see cref="Outcome.Ok"/> where an ordinary slot has to be cleared.</summary>
    public static ulong AllocZero(CacheRecord* record, int sizeClass, out Outcome outcome)
    {
        if (!TryEnter(record))
        {
            outcome = Outcome.CacheMisused;
            return 0;
        }

        var heap = record->Heap;
        ulong slot = 0;
        outcome = Outcome.Ok;
        if (**CacheRecord.Top(record, sizeClass) == 0 && *CacheRecord.Spare(record, sizeClass) == 0
            && Magazines<TAtomics, TGeometry>.RecyclerDepth(heap, sizeClass) == 0)
            slot = Supply<TAtomics, TGeometry>.TakeZero(heap, record, sizeClass, out outcome);
        Leave(record);
        return slot;
    }

    /// <summary>Takes a slot in. Anything but Ok and misuse is news about an earlier free: this slot is in, and what could be given back was.</summary>
    public static Outcome Free(CacheRecord* record, int sizeClass, ulong slot)
    {
        if (!TryEnter(record))
            return Outcome.CacheMisused;
        FlushIfAsked(record);
        Note(record, PushOrFlush(record, sizeClass, slot));
        Leave(record);
        return TakeNews(record);
    }

    /// <summary>Everything cached goes back to the blocks.</summary>
    public static Outcome FlushAll(CacheRecord* record, out long flushed)
    {
        flushed = 0;
        if (!TryEnter(record))
            return Outcome.CacheMisused;
        FlushClasses(record, ref flushed);
        Leave(record);
        return TakeNews(record);
    }

    /// <summary>Runs inside the busy word for a caller that owns the record: everything cached, and all recyclers, go home. False where the cache is misused.</summary>
    public static bool TryFlushForShortage(CacheRecord* record)
    {
        if (!TryEnter(record))
            return false;
        var flushed = 0L;
        FlushClasses(record, ref flushed);
        Trimmer<TAtomics, TGeometry>.DrainRecyclers(record->Heap, record);
        Leave(record);
        return true;
    }

    /// <summary>Classes whose magazines did not move since the last look go home. The caller is inside the busy word and works on <paramref name="except"/>.</summary>
    public static long FlushIdle(CacheRecord* record, int except)
    {
        var flushed = 0L;
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            var top = *CacheRecord.Top(record, sizeClass);
            var mark = CacheRecord.IdleMark(record, sizeClass);
            if (sizeClass != except && top != CacheRecord.EmptyTop(record) && *mark == (ulong)top)
                FlushClass(record, sizeClass, ref flushed);
            *mark = (ulong)top;
        }

        return flushed;
    }

    /// <summary>Every class but one goes home. The caller is inside the busy word and works on <paramref name="except"/>.</summary>
    public static void FlushOthers(CacheRecord* record, int except)
    {
        var flushed = 0L;
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            if (sizeClass != except)
                FlushClass(record, sizeClass, ref flushed);
        }
    }

    /// <summary>Adds the cache's pending figure to the heap's.</summary>
    public static void SettleInUse(CacheRecord* record)
    {
        TAtomics.FetchAddAcqRel(&record->Heap->InUseLine.Value, (ulong)record->PendingInUse, Site.HeapFigures); // order: a figure [H1]
        record->PendingInUse = 0;
    }

    private static ulong PopOrRefill(CacheRecord* record, int sizeClass, out Outcome outcome)
    {
        var heap = record->Heap;
        var top = *CacheRecord.Top(record, sizeClass);
        outcome = Outcome.Ok;
        if (*top == 0)
        {
            var loaded = top == CacheRecord.EmptyTop(record) ? null : Magazine.Of<TGeometry>(top);
            var spare = (ulong*)*CacheRecord.Spare(record, sizeClass);
            var slots = heap->Classes[sizeClass].MagazineSlots;
            if (spare != null)
            {
                *CacheRecord.Spare(record, sizeClass) = 0;
                top = spare;
            }
            else
            {
                var full = Magazines<TAtomics, TGeometry>.TryTakeFull(heap, sizeClass);
                record->SharedOperations++;
                if (full != null)
                {
                    top = Magazine.EmptyTop(full) + slots;
                }
                else
                {
                    loaded = loaded != null ? loaded : Magazines<TAtomics, TGeometry>.TryTakeEmpty(heap, record, out outcome);
                    if (loaded == null)
                        return TakeOne(record, sizeClass, out outcome);
                    var got = Supply<TAtomics, TGeometry>.Take(heap, record, sizeClass, Magazine.EmptyTop(loaded) + 1, slots, out outcome);
                    record->Refills++;
                    Load(record, sizeClass, Magazine.EmptyTop(loaded) + got);
                    loaded = null;
                    if (got == 0)
                        return 0;
                    top = *CacheRecord.Top(record, sizeClass);
                }
            }

            if (loaded != null)
                Magazines<TAtomics, TGeometry>.GiveEmpty(heap, record, loaded);
            Load(record, sizeClass, top);
        }

        var slot = *top;
        *CacheRecord.Top(record, sizeClass) = top - 1;
        return slot;
    }

    /// <summary>Without a magazine to be had, a single slot still can be.</summary>
    private static ulong TakeOne(CacheRecord* record, int sizeClass, out Outcome outcome)
    {
        ulong slot;
        return Supply<TAtomics, TGeometry>.Take(record->Heap, record, sizeClass, &slot, 1, out outcome) == 0 ? 0 : slot;
    }

    private static Outcome PushOrFlush(CacheRecord* record, int sizeClass, ulong slot)
    {
        var heap = record->Heap;
        var outcome = Outcome.Ok;
        var top = *CacheRecord.Top(record, sizeClass);
        if (top == CacheRecord.EmptyTop(record))
        {
            var magazine = Magazines<TAtomics, TGeometry>.TryTakeEmpty(heap, record, out _);
            if (magazine == null)
                return Homecoming<TAtomics, TGeometry>.Give(heap, record, sizeClass, &slot, 1);
            top = Magazine.EmptyTop(magazine);
        }

        var loaded = Magazine.Of<TGeometry>(top);
        if (top >= Magazine.EmptyTop(loaded) + heap->Classes[sizeClass].MagazineSlots)
        {
            top = Magazine.EmptyTop(MakeRoom(record, sizeClass, top, out outcome));
        }

        *++top = slot;
        Load(record, sizeClass, top);
        return outcome;
    }

    /// <summary>The loaded magazine is full: it becomes the spare, and an empty one is returned.</summary>
    private static ulong* MakeRoom(CacheRecord* record, int sizeClass, ulong* top, out Outcome outcome)
    {
        var heap = record->Heap;
        outcome = Outcome.Ok;
        var spare = CacheRecord.Spare(record, sizeClass);
        var full = *spare == 0 ? null : Magazine.Of<TGeometry>((ulong*)*spare);
        ulong* empty = null;
        record->SharedOperations += full == null ? 0u : 1u;
        if (full == null || Magazines<TAtomics, TGeometry>.TryGiveFull(heap, sizeClass, full))
        {
            *spare = (ulong)top;
            empty = Magazines<TAtomics, TGeometry>.TryTakeEmpty(heap, record, out _);
            if (empty != null)
                return empty;

            // No magazine to be had: this one goes home instead.
            *spare = 0;
            full = Magazine.Of<TGeometry>(top);
        }
        else
        {
            *spare = (ulong)top;
        }

        outcome = Homecoming<TAtomics, TGeometry>.Give(heap, record, sizeClass, full + Magazine.HeaderWords, heap->Classes[sizeClass].MagazineSlots);
        record->Flushes++;
        return full;
    }

    private static void FlushClasses(CacheRecord* record, ref long flushed)
    {
        var heap = record->Heap;

        // order: acquire, before the flush: a generation that comes later asks again [G1]
        var generation = TAtomics.LoadAcquire(&heap->GenerationLine.Value, Site.GenerationLoad);
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            FlushClass(record, sizeClass, ref flushed);
        Magazines<TAtomics, TGeometry>.ReleaseSpare(heap, record);
        record->SeenGeneration = generation;
    }

    private static void FlushClass(CacheRecord* record, int sizeClass, ref long flushed)
    {
        FlushMagazine(record, sizeClass, (ulong*)*CacheRecord.Spare(record, sizeClass), ref flushed);
        *CacheRecord.Spare(record, sizeClass) = 0;
        var top = *CacheRecord.Top(record, sizeClass);
        if (top == CacheRecord.EmptyTop(record))
            return;

        // Unloaded first: what is being flushed must not be found again by a sweep that runs inside.
        *CacheRecord.Top(record, sizeClass) = CacheRecord.EmptyTop(record);
        Arm(record, sizeClass, 0);
        FlushMagazine(record, sizeClass, top, ref flushed);
    }

    private static void FlushMagazine(CacheRecord* record, int sizeClass, ulong* top, ref long flushed)
    {
        if (top == null)
            return;
        var magazine = Magazine.Of<TGeometry>(top);
        var count = Magazine.CountTo<TGeometry>(top);
        Note(record, Homecoming<TAtomics, TGeometry>.Give(record->Heap, record, sizeClass, magazine + Magazine.HeaderWords, count));
        flushed += count;
        record->Flushes++;
        Magazines<TAtomics, TGeometry>.GiveEmpty(record->Heap, record, magazine);
    }

    /// <summary>Keeps what was wrong with an earlier free until a call that frees can say it: an allocation that succeeds is never turned into a failure by it.</summary>
    private static void Note(CacheRecord* record, Outcome outcome)
    {
        if (outcome != Outcome.Ok)
            record->News = (ulong)outcome;
    }

    private static Outcome TakeNews(CacheRecord* record)
    {
        var news = (Outcome)record->News;
        record->News = 0;
        return news;
    }

    private static void FlushIfAsked(CacheRecord* record)
    {
        // order: acquire: pairs with the trimmer's increment, which comes before its signal [G1]
        if (record->SeenGeneration == TAtomics.LoadAcquire(&record->Heap->GenerationLine.Value, Site.GenerationLoad))
            return;
        var flushed = 0L;
        FlushClasses(record, ref flushed);
    }

    private static void Load(CacheRecord* record, int sizeClass, ulong* top)
    {
        *CacheRecord.Top(record, sizeClass) = top;
        Arm(record, sizeClass, (ulong)(Magazine.EmptyTop(Magazine.Of<TGeometry>(top)) + record->Heap->Classes[sizeClass].MagazineSlots));
    }

    /// <summary>Sets a limit. A signal that stood there is not lost: <see cref="Leave"/> looks at the generation, which was raised before the signal.</summary>
    private static void Arm(CacheRecord* record, int sizeClass, ulong limit) =>
        TAtomics.ExchangeAcqRel(CacheRecord.Limit(record, sizeClass), limit, Site.LimitArm); // order: acquire takes the generation that stands behind a signal we overwrite [G2]

    private static bool TryEnter(CacheRecord* record) =>
        TAtomics.CompareExchangeAcqRel(&record->Busy, 0, 1, Site.BusyEnter); // order: acquire: what the last slow path of this cache did [C1]

    private static void Leave(CacheRecord* record)
    {
        if (record->PendingInUse is > 32 << 10 or < -(32 << 10))
            SettleInUse(record);
        FlushIfAsked(record);
        TAtomics.StoreRelease(&record->Busy, 0, Site.BusyLeave); // order: release: the next slow path sees all of this one [C1]
    }
}
