using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: Trim: a new generation, a signal to every cache, recyclers taken whole, purge of all that is free.
/// Invariants: I-G3 the generation is raised before any signal, so whoever sees a signal sees the generation. I-G4 after it, every live cache flushes at its next free or slow path.
/// Callers: the Api from any thread, several at once; holding nothing. Checked by: RSS tests; the explorer's trim scenarios.
/// </summary>
internal static unsafe class Trimmer<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Trims. <paramref name="record"/> is the caller's own cache, flushed first and used to settle figures; it may be null.</summary>
    public static Outcome Trim(Heap* heap, CacheRecord* record, out ulong purgedBytes, out long flushedSlots)
    {
        flushedSlots = 0;
        purgedBytes = 0;
        TAtomics.FetchAddAcqRel(&heap->GenerationLine.Value, 1, Site.GenerationRaise); // order: release: before the signals below [G1]
        SignalAll(heap);
        var outcome = Outcome.Ok;
        if (record != null)
        {
            outcome = CacheSlowPath<TAtomics, TGeometry>.FlushAll(record, out flushedSlots);
            if (outcome == Outcome.CacheMisused)
                return outcome;
            flushedSlots += DrainRecyclers(heap, record);
            CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);
        }

        purgedBytes = Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue);
        return outcome;
    }

    private static void SignalAll(Heap* heap)
    {
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
        {
            if (!CacheRegistry<TAtomics, TGeometry>.IsOwnedBy(record, heap))
                continue;
            for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            {
                // order: release: the generation stands behind the signal; an exchange, not a store: one of two trimmers that signals over the other's signal must hand on
                // the other's generation too, and a store would begin a release sequence of its own [G2]
                TAtomics.ExchangeAcqRel(CacheRecord.Limit(record, sizeClass), 0, Site.LimitSignal);
            }
        }
    }

    /// <summary>Every full magazine of every class goes home. The caller owns <paramref name="record"/>. Returns the slots.</summary>
    public static long DrainRecyclers(Heap* heap, CacheRecord* record)
    {
        var flushed = 0L;
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            var magazine = Magazines<TAtomics, TGeometry>.TakeAllFull(heap, sizeClass);
            while (magazine != null)
            {
                var next = NodeStack<TAtomics>.NextOf(magazine);
                var slots = heap->Classes[sizeClass].MagazineSlots;
                var outcome = Homecoming<TAtomics, TGeometry>.Give(heap, record, sizeClass, magazine + Magazine.HeaderWords, slots);
                if (outcome != Outcome.Ok)
                    record->News = (ulong)outcome;
                Magazines<TAtomics, TGeometry>.GiveEmpty(heap, record, magazine);
                flushed += slots;
                magazine = next;
            }
        }

        Magazines<TAtomics, TGeometry>.ReleaseSpare(heap, record);
        return flushed;
    }
}
