using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: what happens when a loaded magazine runs empty or full: swap with the spare, the recycler, the blocks; and the answer to the trimmer's signal.
/// Invariants: I-C4 a slow path runs inside the record's busy word; who finds it taken has found a cache used by two threads. I-C6 a cache never goes on past a generation it has not
/// flushed for.
/// Callers: the Api's slow paths, owning the record. Checked by: property tests, misuse tests; the explorer's trim scenarios.
/// </summary>
internal static unsafe class CacheSlowPath<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>One slot of the class, or 0 with the reason.</summary>
    public static ulong Alloc(CacheRecord* record, int sizeClass, out Outcome outcome) => AllocAligned(record, sizeClass, 1, out outcome);

    /// <summary>As <see cref="Alloc"/>, at a multiple of <paramref name="alignment"/>, which the class's slots have: a longer slot in their place has it too.</summary>
    public static ulong AllocAligned(CacheRecord* record, int sizeClass, ulong alignment, out Outcome outcome)
    {
        if (!TryEnter(record))
        {
            outcome = Outcome.CacheMisused;
            return 0;
        }

        FlushIfAsked(record);
        var slot = PopOrRefill(record, sizeClass, alignment, out outcome);
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
        if (sizeClass <= SizeClasses.LastSmall && IsEmpty(CacheTops<TAtomics, TGeometry>.Load(record, sizeClass)) && !CacheTops<TAtomics, TGeometry>.HasSpare(record, sizeClass)
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

    /// <summary>Runs inside the busy word for a caller that owns the record: everything cached here and in idle caches, and all recyclers, go home. False where the cache is misused.</summary>
    public static bool TryFlushForShortage(CacheRecord* record)
    {
        if (!TryEnter(record))
            return false;
        var flushed = 0L;
        FlushClasses(record, ref flushed);
        Trimmer<TAtomics, TGeometry>.EmptyIdle(record->Heap, record);
        Trimmer<TAtomics, TGeometry>.DrainRecyclers(record->Heap, record);
        Leave(record);
        return true;
    }

    /// <summary>Classes whose magazines did not move since the last look go home, and all medium ones, a few of whose slots outweigh all that the small ones hold. The caller is inside the busy word and works on <paramref name="except"/>.</summary>
    public static long FlushIdle(CacheRecord* record, int except)
    {
        var flushed = 0L;
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            var top = CacheTops<TAtomics, TGeometry>.Load(record, sizeClass);
            var mark = CacheRecord.IdleMark(record, sizeClass);
            if (sizeClass != except && top != CacheRecord.EmptyTop(record) && (*mark == (uint)(ulong)top || sizeClass > SizeClasses.LastSmall))
                FlushClass(record, sizeClass, ref flushed);
            *mark = (uint)(ulong)top;
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

    private static ulong PopOrRefill(CacheRecord* record, int sizeClass, ulong alignment, out Outcome outcome)
    {
        outcome = Outcome.Ok;
        var top = CacheTops<TAtomics, TGeometry>.Load(record, sizeClass);
        if (IsEmpty(top))
        {
            top = Refill(record, sizeClass, alignment, top, out var single, out outcome);
            if (top == null)
                return single;
        }

        var slot = TAtomics.ReadPlain(top, Site.MagazineRead);
        CacheTops<TAtomics, TGeometry>.Store(record, sizeClass, top - 1);
        return slot;
    }

    /// <summary>The loaded magazine is empty: the spare, a full one of the recycler, or slots from the blocks. Null with a slot of its own where no magazine can be had, or with 0 and the reason.</summary>
    private static ulong* Refill(CacheRecord* record, int sizeClass, ulong alignment, ulong* top, out ulong single, out Outcome outcome)
    {
        var heap = record->Heap;
        var loaded = CacheTops<TAtomics, TGeometry>.MagazineOf(record, top);
        single = 0;
        outcome = Outcome.Ok;
        if (CacheTops<TAtomics, TGeometry>.TryTakeSpare(record, sizeClass, out top))
            return Replace(record, sizeClass, loaded, top);

        // A cache that was inside when the bound was set may have given one since the recyclers were drained: it holds more than the bound.
        _ = Magazines<TAtomics, TGeometry>.AllowedSlots(heap, sizeClass, out var withSpare);
        var full = withSpare ? Magazines<TAtomics, TGeometry>.TryTakeFull(heap, sizeClass) : null;
        record->SharedOperations++;
        if (full != null)
            return Replace(record, sizeClass, loaded, Magazine.EmptyTop(full) + heap->Classes[sizeClass].MagazineSlots);
        if (sizeClass > SizeClasses.LastSmall)
        {
            single = MediumSlots<TAtomics, TGeometry>.TryTake(heap, record, sizeClass, alignment);
            if (single != 0)
                return null;
        }

        var isFirst = loaded == null;
        if (isFirst)
            loaded = Magazines<TAtomics, TGeometry>.TryTakeEmpty(heap, record, sizeClass, out outcome);
        else
            Magazines<TAtomics, TGeometry>.Extend(heap, record, sizeClass, loaded);
        if (loaded == null)
        {
            single = TakeOne(record, sizeClass, out outcome);
            return null;
        }

        // A class that is new in this cache may never be used again: little at first, as much as there is room for from then on.
        var wanted = Magazines<TAtomics, TGeometry>.SlotsOf(loaded);
        if (isFirst)
            wanted = Math.Min(wanted, Math.Max(ClassPlan.FirstFillBytes / heap->Classes[sizeClass].SlotSize, ClassPlan.MinMagazineSlots));
        var got = Supply<TAtomics, TGeometry>.Take(heap, record, sizeClass, Magazine.EmptyTop(loaded) + 1, wanted, out outcome);
        record->Refills++;
        top = Magazine.EmptyTop(loaded) + got;
        CacheTops<TAtomics, TGeometry>.Arm(record, sizeClass, top);
        return got == 0 ? null : top;
    }

    /// <summary>Loads a magazine that has slots in the place of one that has none.</summary>
    private static ulong* Replace(CacheRecord* record, int sizeClass, ulong* empty, ulong* top)
    {
        CacheTops<TAtomics, TGeometry>.Arm(record, sizeClass, top);
        if (empty != null)
            Magazines<TAtomics, TGeometry>.GiveEmpty(record->Heap, record, sizeClass, empty);
        return top;
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
        var top = CacheTops<TAtomics, TGeometry>.Load(record, sizeClass);
        var loaded = CacheTops<TAtomics, TGeometry>.MagazineOf(record, top);
        if (loaded == null)
        {
            loaded = Magazines<TAtomics, TGeometry>.TryTakeEmpty(heap, record, sizeClass, out _);
            if (loaded == null)
                return Homecoming<TAtomics, TGeometry>.Give(heap, record, sizeClass, &slot, 1);
            top = Magazine.EmptyTop(loaded);
        }
        else if (top >= Magazine.EmptyTop(loaded) + Magazines<TAtomics, TGeometry>.SlotsOf(loaded))
        {
            top = CacheOverflow<TAtomics, TGeometry>.MakeRoom(record, sizeClass, top, out outcome);
        }

        TAtomics.WritePlain(++top, slot, Site.MagazineWrite);
        CacheTops<TAtomics, TGeometry>.Arm(record, sizeClass, top);
        return outcome;
    }

    private static void FlushClasses(CacheRecord* record, ref long flushed)
    {
        var heap = record->Heap;

        // order: acquire, before the flush: a generation that comes later asks again [G1]
        var generation = TAtomics.LoadAcquire(&heap->GenerationLine.Value, Site.GenerationLoad);
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            FlushClass(record, sizeClass, ref flushed);
        RegionSlots<TAtomics, TGeometry>.OfferOwn(heap, record);
        Magazines<TAtomics, TGeometry>.ReleaseSpare(heap, record);
        CacheBudget<TAtomics>.Settle(heap, record);
        record->SeenGeneration = generation;
    }

    private static void FlushClass(CacheRecord* record, int sizeClass, ref long flushed)
    {
        if (CacheTops<TAtomics, TGeometry>.TryTakeSpare(record, sizeClass, out var spare))
            flushed += CacheTops<TAtomics, TGeometry>.SendHome(record, sizeClass, spare);

        // Unloaded first: what is being flushed must not be found again by a sweep that runs inside.
        if (CacheTops<TAtomics, TGeometry>.TryUnload(record, sizeClass, out var top))
            flushed += CacheTops<TAtomics, TGeometry>.SendHome(record, sizeClass, top);
    }

    /// <summary>Keeps what was wrong with an earlier free until a call that frees can say it: an allocation that succeeds is never turned into a failure by it.</summary>
    private static void Note(CacheRecord* record, Outcome outcome)
    {
        if (outcome != Outcome.Ok)
            record->News = (ulong)outcome;
    }

    private static bool IsEmpty(ulong* top) => TAtomics.ReadPlain(top, Site.MagazineRead) == 0;

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

    private static bool TryEnter(CacheRecord* record) =>
        TAtomics.CompareExchangeAcqRel(&record->Busy, 0, 1, Site.BusyEnter); // order: acquire: what the last slow path of this cache did [C1]

    private static void Leave(CacheRecord* record)
    {
        if (record->PendingInUse is > 32 << 10 or < -(32 << 10))
            SettleInUse(record);
        if (record->ReliefDue != 0)
            BudgetRelief<TAtomics, TGeometry>.Relieve(record);
        FlushIfAsked(record);
        TAtomics.StoreRelease(&record->Busy, 0, Site.BusyLeave); // order: release: the next slow path sees all of this one [C1]
    }
}
