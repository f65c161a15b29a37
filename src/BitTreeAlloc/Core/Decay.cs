using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: what is done by time: purging of free memory, so many bytes a tick; and the shrinking of idle caches: at each tick a cache that was not used since the last one gives 1, 2, 4, 8 … magazines back; use begins it again.
/// Invariants: none of its own; whose slots may be taken is the Reclaimer's matter. Callers: the Api's tick, from any thread; BudgetRelief. Checked by: tests on a virtual clock.
/// </summary>
/// <remarks>An ambient cache tells its use at every call. An explicit one is taken to be unused when none of its tops moved and no slow path ran; of it only spares can be taken.</remarks>
internal static unsafe class Decay<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    private const int MaxShift = 16;

    /// <summary>Idle ticks of a cache that was found to hold nothing: until it is used there is nothing to claim it for, and a claim costs every running thread a fence.</summary>
    private const ulong Emptied = 1ul << 32;

    /// <summary>One tick: what idle caches give back, then what goes back to the system.</summary>
    public static Outcome Tick(Heap* heap, out long flushed, out ulong purged)
    {
        flushed = 0;
        CacheRecord guest;
        CacheRecord.InitGuest(&guest, heap);
        for (var record = CacheRegistry<TAtomics, TGeometry>.First(heap); record != null; record = CacheRegistry<TAtomics, TGeometry>.Next(record))
        {
            if (!CacheRegistry<TAtomics, TGeometry>.IsOwnedBy(record, heap))
                continue;
            var isIdle = IsIdle(record, out var ticks);
            if (ticks > 0)
                RegionSlots<TAtomics, TGeometry>.OfferIdle(heap, record);
            if (isIdle)
                Shrink(heap, record, &guest, 1 << (int)Math.Min(ticks, MaxShift), ticks, ref flushed);
        }

        CacheRegistry<TAtomics, TGeometry>.SettleFigures(&guest);
        purged = GiveBack(heap);
        return (Outcome)guest.News;
    }

    /// <summary>So many bytes of free regions of each class and of empty blocks as the policy says.</summary>
    private static ulong GiveBack(Heap* heap)
    {
        var budget = TAtomics.LoadAcquire(&heap->Policy.TickPurgeBytes, Site.HeapFigures); // order: a setting [H1]
        return budget == 0 || HeapOs<TAtomics>.IsSealed(heap) ? 0
            : RegionPurge<TAtomics, TGeometry>.Tick(heap, budget) + Sweeper<TAtomics, TGeometry>.SweepBlocks(heap, budget, 0, inside: false);
    }

    /// <summary>Whether a cache was not used since this was asked last, and holds something as far as is known; how often in a row it was so before.</summary>
    public static bool IsIdle(CacheRecord* record, out ulong ticks)
    {
        ticks = 0;
        if (!WasUsed(record))
        {
            ticks = TAtomics.FetchAddAcqRel(&record->IdleTicks, 1, Site.HeapFigures); // order: a figure [H1]
            return ticks < Emptied;
        }

        TAtomics.StoreRelease(&record->IdleTicks, 0, Site.HeapFigures); // order: a figure [H1]
        return false;
    }

    /// <summary>Takes magazines out of an idle cache, and notes where there were none.</summary>
    public static void Shrink(Heap* heap, CacheRecord* record, CacheRecord* hands, int magazines, ulong ticks, ref long flushed)
    {
        var before = flushed;
        if (Reclaimer<TAtomics, TGeometry>.TryEmpty(heap, record, hands, magazines, ref flushed) && flushed == before)
            TAtomics.CompareExchangeAcqRel(&record->IdleTicks, ticks + 1, Emptied, Site.HeapFigures); // order: a figure; who saw a use meanwhile wrote 0 [H1]
    }

    private static bool WasUsed(CacheRecord* record)
    {
        if (TAtomics.LoadAcquire(&record->IsAmbient, Site.RecordKind) != 0) // order: acquire [G3]
            return CacheClaims<TAtomics>.WasUsed(record);

        // Racy reads of another thread's words, like the figures': a sum that is off by what that thread does meanwhile counts as use.
        var mark = (record->Refills << 32) + record->Flushes + 1;
        for (var sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
            mark = (mark * 31) + (ulong)*CacheRecord.Top(record, sizeClass);
        var before = TAtomics.LoadAcquire(&record->TickMark, Site.HeapFigures); // order: a figure [H1]
        TAtomics.StoreRelease(&record->TickMark, mark, Site.HeapFigures); // order: a figure [H1]
        return before != mark;
    }
}
