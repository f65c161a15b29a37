using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the decision to purge on demand: only when fresh memory is about to be touched while touched memory exceeds (1 + x) × the recent peak of use. Nothing is purged on the way down,
/// and reuse costs no fault (DESIGN section 8). Above the soft limit it purges harder: all that is free, down to that limit, whether purging on demand is on or not.
/// Invariants: I-Y1 one thread sweeps for a step of growth; nobody waits for it. Callers: Supply, inside the cache's busy word; Regions, outside. Checked by: replay of real traces; the policy's unit tests.
/// </summary>
internal static unsafe class PurgePolicy<TAtomics, TGeometry>
    where TAtomics : struct, IAtomics
    where TGeometry : struct, IGeometry
{
    /// <summary>Below this many touched bytes a purge costs more than it gives.</summary>
    private const ulong FloorBytes = 1 << 20;

    /// <summary>One fresh block makes the recent peak forget this fraction of what lies above present use.</summary>
    private const int DecayShift = 6;

    /// <summary>True when it flushed or purged, so that the caller may look again before it touches fresh memory.</summary>
    public static bool BeforeFresh(Heap* heap, CacheRecord* record, int sizeClass) =>
        TrySweepToSoft(heap, record, Births<TAtomics, TGeometry>.BlockBytes(heap, sizeClass), sizeClass) || BeforeFresh(heap, record, sizeClass, 0);

    /// <summary>As above before <paramref name="bytes"/> are used at once, which count as used and touched; where <paramref name="sizeClass"/> is 0, the caller is not inside its cache.</summary>
    public static bool BeforeFresh(Heap* heap, CacheRecord* record, int sizeClass, ulong bytes)
    {
        var x = TAtomics.LoadAcquire(&heap->Policy.PurgeSlack, Site.HeapFigures); // order: a setting [H1]
        if (x == Policy.Never || HeapOs<TAtomics>.IsSealed(heap))
            return false;
        CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);

        // order: figures; none needed. A free may be settled before its allocation: below zero counts as zero [H1]
        var inUse = bytes + (ulong)Math.Max(0, (long)TAtomics.LoadAcquire(&heap->InUseLine.Value, Site.HeapFigures));
        var touched = bytes + (ulong)Math.Max(0, (long)TAtomics.LoadAcquire(&heap->TouchedLine.Value, Site.HeapFigures)); // order: a figure [H1]
        var peak = TAtomics.LoadAcquire(&heap->PeakLine.Value, Site.HeapFigures); // order: a figure [H1]
        peak = inUse >= peak ? inUse : peak - ((peak - inUse) >> DecayShift);
        TAtomics.StoreRelease(&heap->PeakLine.Value, peak, Site.HeapFigures); // order: a figure; racers overwrite each other with near values [H1]
        var slack = (peak * x) >> 10;
        var next = TAtomics.LoadAcquire(&heap->NextSweepLine.Value, Site.HeapFigures); // order: a figure [H1]
        if (touched <= Math.Max(peak + slack, FloorBytes) || touched < next)
            return false;

        // The next sweep is due when touched memory has grown by half the slack, a sixteenth of the peak at least: smaller steps sweep the same blocks over and over
        // (cc1 under Frugal: 38 ns an event with 128 KiB steps, 9 ns with these, at the same peak). Written before this one: who loses goes on without, and a sweeper that is stopped only puts off the next.
        var step = Math.Max(slack / 2, Math.Max(FloorBytes / 4, peak >> 4));
        if (!TAtomics.CompareExchangeAcqRel(&heap->NextSweepLine.Value, next, touched + step, Site.SweeperEnter)) // order: a figure; one winner is enough [H1]
            return false;
        if (sizeClass != 0)
            CacheSlowPath<TAtomics, TGeometry>.FlushIdle(record, sizeClass);
        var purged = Sweeper<TAtomics, TGeometry>.Sweep(heap, touched - (peak + (slack / 2)));

        // What could not be purged is fragmentation.
        TAtomics.StoreRelease(&heap->NextSweepLine.Value, touched - Math.Min(purged, touched) + step, Site.HeapFigures); // order: a figure [H1]
        return true;
    }

    /// <summary>
    /// Where <paramref name="bytes"/> more would lie above the soft limit, and a step of growth is complete: purges all that is free, down to the limit. <paramref name="sizeClass"/> is what the caller
    /// works on inside its cache; 0 where it is not inside.
    /// </summary>
    public static bool TrySweepToSoft(Heap* heap, CacheRecord* record, ulong bytes, int sizeClass)
    {
        if (HeapOs<TAtomics>.IsSealed(heap) || !Limits<TAtomics>.TryMeetSoft(heap, record, bytes, out var soft, out var due))
            return false;
        if (sizeClass != 0)
            CacheSlowPath<TAtomics, TGeometry>.FlushIdle(record, sizeClass);
        Sweeper<TAtomics, TGeometry>.Sweep(heap, ulong.MaxValue, soft > bytes ? soft - bytes : 1);
        Limits<TAtomics>.Swept(heap, soft, bytes, due);
        return true;
    }
}
