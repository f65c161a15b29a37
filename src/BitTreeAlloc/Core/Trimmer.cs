using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: Trim: a new generation; idle caches emptied, the others asked; recyclers taken whole; purge of what is free.
/// Invariants: I-G3 the generation is raised before any signal, so whoever sees a signal sees the generation. I-G4 after it, every live cache that could not be emptied flushes at its next free
/// or slow path.
/// Callers: the Api from any thread, several at once; Supply and Large where memory is short; holding nothing but their own cache. Checked by: RSS tests with sleeping threads; the explorer's trim scenarios.
/// </summary>
internal static unsafe class Trimmer<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Trims. <paramref name="own"/> is the caller's own explicit cache, flushed as its owner; it may be null. The outcome may be news about an earlier wrong free.</summary>
    public static Outcome Trim(Heap* heap, CacheRecord* own, int level, out ulong purgedBytes, out long flushedSlots)
    {
        flushedSlots = 0;
        purgedBytes = 0;
        TAtomics.FetchAddAcqRel(&heap->GenerationLine.Value, 1, Site.GenerationRaise); // order: release: before the signals below [G1]
        var outcome = own == null ? Outcome.Ok : CacheSlowPath<TAtomics, TGeometry>.FlushAll(own, out flushedSlots);
        if (outcome == Outcome.CacheMisused)
            return outcome;
        CacheRecord guest;
        CacheRecord.InitGuest(&guest, heap);
        flushedSlots += EmptyCaches(heap, own, &guest);
        RegionSlots<TAtomics, TGeometry>.OfferAll(heap);
        flushedSlots += DrainRecyclers(heap, &guest);
        CacheRegistry<TAtomics, TGeometry>.SettleFigures(&guest);
        if (level != 0)
            purgedBytes = Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue, inside: level > 1);
        return outcome != Outcome.Ok ? outcome : (Outcome)guest.News;
    }

    /// <summary>Empties the caches whose owners are outside and asks the others to come in. Returns the slots.</summary>
    private static long EmptyCaches(Heap* heap, CacheRecord* own, CacheRecord* guest)
    {
        var flushed = 0L;
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
        {
            if (record != own && CacheRegistry<TAtomics, TGeometry>.IsOwnedBy(record, heap) && !Reclaimer<TAtomics, TGeometry>.TryEmpty(heap, record, guest, int.MaxValue, ref flushed))
                Signal(record);
        }

        return flushed;
    }

    /// <summary>Empties the caches whose owners are outside, for a caller that is short of memory and inside a cache of its own, through whose hands all goes.</summary>
    public static void EmptyIdle(Heap* heap, CacheRecord* own)
    {
        var flushed = 0L;
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
        {
            if (record != own && CacheRegistry<TAtomics, TGeometry>.IsOwnedBy(record, heap))
                _ = Reclaimer<TAtomics, TGeometry>.TryEmpty(heap, record, own, int.MaxValue, ref flushed);
        }
    }

    private static void Signal(CacheRecord* record)
    {
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            // order: release: the generation stands behind the signal; an exchange, not a store: one of two trimmers that signals over the other's signal must hand on
            // the other's generation too, and a store would begin a release sequence of its own [G2]
            TAtomics.ExchangeAcqRel(CacheRecord.Limit(record, sizeClass), 0, Site.LimitSignal);
        }
    }

    /// <summary>Every full magazine of every class goes home through the hands of <paramref name="hands"/>. Returns the slots.</summary>
    public static long DrainRecyclers(Heap* heap, CacheRecord* hands)
    {
        var flushed = 0L;
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            var magazine = Magazines<TAtomics, TGeometry>.TakeAllFull(heap, sizeClass);
            while (magazine != null)
            {
                var next = NodeStack<TAtomics>.NextOf(magazine);
                Magazines<TAtomics, TGeometry>.Adopt(heap, sizeClass, magazine);
                flushed += CacheTops<TAtomics, TGeometry>.SendHome(hands, sizeClass, Magazine.EmptyTop(magazine) + heap->Classes[sizeClass].MagazineSlots);
                magazine = next;
            }
        }

        Magazines<TAtomics, TGeometry>.ReleaseSpare(heap, hands);
        return flushed;
    }
}
