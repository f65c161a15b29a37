using BitTreeAlloc.Atomics;
using BitTreeAlloc.Bits;

namespace BitTreeAlloc.Core;

/// <summary>
/// Owns: the decision to purge on demand: only when fresh memory is about to be touched while touched memory exceeds (1 + x) × the recent peak of use. Nothing is purged on the way down,
/// and reuse costs no fault (DESIGN section 8).
/// Invariants: I-Y1 at most one thread sweeps for the policy; the others go on. Callers: Supply, inside the cache's busy word. Checked by: replay of real traces; the policy's unit tests.
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
    public static bool BeforeFresh(Heap* heap, CacheRecord* record, int sizeClass)
    {
        if (!heap->PurgeOnDemand)
            return false;
        CacheSlowPath<TAtomics, TGeometry>.SettleInUse(record);

        // order: figures; none needed [H1]
        var inUse = TAtomics.LoadAcquire(&heap->InUseLine.Value, Site.HeapFigures);
        var touched = TAtomics.LoadAcquire(&heap->TouchedLine.Value, Site.HeapFigures); // order: a figure [H1]
        var peak = TAtomics.LoadAcquire(&heap->PeakLine.Value, Site.HeapFigures); // order: a figure [H1]
        peak = inUse >= peak ? inUse : peak - ((peak - inUse) >> DecayShift);
        TAtomics.StoreRelease(&heap->PeakLine.Value, peak, Site.HeapFigures); // order: a figure; racers overwrite each other with near values [H1]
        var slack = (peak * heap->PurgeSlack) >> 10;
        if (touched <= Math.Max(peak + slack, FloorBytes) || touched < TAtomics.LoadAcquire(&heap->NextSweepLine.Value, Site.HeapFigures)) // order: a figure [H1]
            return false;

        // order: acquire and release: one sweeper at a time; who loses goes on without [H2]
        if (!TAtomics.CompareExchangeAcqRel(&heap->SweeperLine.Value, 0, 1, Site.SweeperEnter))
            return false;
        CacheSlowPath<TAtomics, TGeometry>.FlushIdle(record, sizeClass);
        var goal = touched - (peak + (slack / 2));
        var purged = Sweeper<TAtomics, TGeometry>.Sweep(heap, goal);

        // What could not be purged is fragmentation: look again when touched memory has grown by half the slack.
        TAtomics.StoreRelease(&heap->NextSweepLine.Value, touched - Math.Min(purged, touched) + Math.Max(slack / 2, FloorBytes / 8), Site.HeapFigures); // order: a figure [H1]
        TAtomics.StoreRelease(&heap->SweeperLine.Value, 0, Site.SweeperLeave); // order: release [H2]
        return true;
    }
}
